"""The colours of all pictures, light and dark, and the rules for what is drawn with them.

Colour never stands alone: each state has a sign of its own, too. Text and the ground that it stands on differ by a
ratio of at least 4.5 (WCAG 2.2, 1.4.3), which a test computes.
"""

from __future__ import annotations

LIGHT = {
    "ink": "#17212b", "soft": "#51606f", "paper": "#ffffff", "area": "#f3f6f9", "card": "#ffffff", "line": "#c5ced8",
    "ok": "#11703e", "ok-tint": "#def3e6", "warn": "#825500", "warn-tint": "#fdf0d0", "bad": "#b1131c",
    "bad-tint": "#fde7e8", "run": "#1a5bab", "run-tint": "#e2edfb", "aws": "#c2700a", "azure": "#1576c4",
    "focus": "#5b2ec9",
}  # fmt: skip
DARK = {
    "ink": "#e6edf4", "soft": "#a3b2c1", "paper": "#0d141b", "area": "#131c25", "card": "#1b2733", "line": "#3a4856",
    "ok": "#53cb90", "ok-tint": "#11321f", "warn": "#eab54a", "warn-tint": "#3a2c0a", "bad": "#ff8a8d",
    "bad-tint": "#43161a", "run": "#80b7f7", "run-tint": "#15304f", "aws": "#d98b2b", "azure": "#4ba3ea",
    "focus": "#c3a8ff",
}  # fmt: skip

SIGNS = {"up": "●", "half": "▲", "down": "✕", "unseen": "○", "exposed": "!"}


def variables() -> str:
    """The colours as CSS variables: light on paper and by default, dark where the reader's screen is dark."""
    light, dark = (";".join(f"--{name}:{value}" for name, value in colours.items()) for colours in (LIGHT, DARK))
    return f":root{{color-scheme:light dark;{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


# Kept short, for it is part of every picture.
RULES = """
svg.trunkline{font-family:system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;background:var(--paper)}
svg.trunkline text{fill:var(--ink);font-size:12px}
svg.trunkline text.head{font-size:15px;font-weight:600}
svg.trunkline text.name{font-weight:600}
svg.trunkline text.soft{fill:var(--soft);font-size:11px}
svg.trunkline text.end{text-anchor:end}
svg.trunkline text.mid{text-anchor:middle}
svg.trunkline .up{--mine:var(--ok)}
svg.trunkline .half{--mine:var(--warn)}
svg.trunkline .down,svg.trunkline .exposed{--mine:var(--bad)}
svg.trunkline .unseen{--mine:var(--soft)}
svg.trunkline :is(text,tspan):is(.up,.half,.down,.exposed,.unseen){fill:var(--mine);font-weight:600}
svg.trunkline .area{fill:var(--area);stroke:var(--line)}
svg.trunkline .area.aws{stroke:var(--aws)}
svg.trunkline .area.azure{stroke:var(--azure)}
svg.trunkline .card rect.box{fill:var(--card);stroke:var(--line)}
svg.trunkline .card.exposed rect.box{fill:var(--bad-tint);stroke:var(--bad);stroke-width:2}
svg.trunkline .pill{fill:var(--paper);stroke:var(--soft);stroke-width:1.3}
svg.trunkline .pill.down{stroke:var(--bad);stroke-dasharray:4 3}
svg.trunkline path.link{fill:none;stroke:var(--mine);stroke-width:1.6}
svg.trunkline path.link.down{stroke-dasharray:6 4}
svg.trunkline path.link.half{stroke-dasharray:10 3}
svg.trunkline path.link.unseen{stroke-dasharray:2 4}
svg.trunkline path.trunk{fill:none;stroke:var(--mine);stroke-width:4;stroke-linejoin:round}
svg.trunkline path.trunk.down{stroke-dasharray:9 4}
svg.trunkline path.peering{fill:none;stroke:var(--soft);stroke-width:1.4;stroke-dasharray:1 4;stroke-linecap:round}
svg.trunkline .mark{fill:var(--mine);stroke:var(--card)}
svg.trunkline .mark.down{fill:none;stroke:var(--mine);stroke-width:2.2;stroke-linecap:round}
svg.trunkline .mark.unseen{fill:var(--card);stroke:var(--mine);stroke-width:1.6}
"""


def style() -> str:
    """The style sheet of a picture that stands alone."""
    return variables() + RULES.replace("\n", "")
