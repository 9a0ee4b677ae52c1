"""A federation as a picture."""

from trunkline.views.topology.dot import dot
from trunkline.views.topology.picture import Exposed, Picture, picture
from trunkline.views.topology.svg import topology

__all__ = ["Exposed", "Picture", "dot", "picture", "topology"]
