"""A run, and the network that it left, as one page."""

from trunkline.views.report.contents import Report
from trunkline.views.report.page import body, page

__all__ = ["Report", "body", "page"]
