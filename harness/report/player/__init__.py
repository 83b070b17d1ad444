"""The clips in which two arms differ most, as 3D skeletons that play in the page.

`choose` says which, from the records alone; whoever has the data and the weights predicts them again
(`harness.training.replay`) and gives them to `show`. Loads neither torch nor matplotlib by itself.
"""

from harness.report.player.choosing import Choice, Pick, Unplayable, choose
from harness.report.player.page import Clips, absent, show

__all__ = ["Choice", "Clips", "Pick", "Unplayable", "absent", "choose", "show"]
