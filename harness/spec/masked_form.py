"""In which form a backbone is pre-trained, known without torch."""

from __future__ import annotations

from harness import registry

GENERIC = "backbones.masked:MaskedForm"
"""Around any network that answers for all its frames."""


def masked_form(entry: registry.Entry) -> str | None:
    """``"module:Class"`` of a backbone's own masked form or of the generic one; None if neither is possible.

    Networks that answer for one frame don't guess the others, and those solved in closed form take no steps.
    """
    own = registry.attribute(entry, "masked_form", None)
    if own is not None:
        return own
    learns = not registry.has_method(entry, "fit")
    return GENERIC if learns and registry.attribute(entry, "frames_out", None) == "all" else None
