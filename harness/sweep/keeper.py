"""Where a run's training and its checkpoints meet: what it goes on from, and what it keeps between two steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness import tracking

if TYPE_CHECKING:
    from harness.training import StepInfo


class Keeper:
    """Called by a training between two steps; most calls do nothing.

    Args:
        run: the run.
        logger: of its record.
    """

    def __init__(self, run: Any, logger: tracking.RunLogger) -> None:
        self._run, self._logger, self._kept = run, logger, logger.checkpoints

    def resume(self) -> dict[str, Any] | None:
        """The state to go on from; None where there's none that fits, which is told."""
        from harness.training import snapshot

        for found in self._kept.earlier():
            place = f"the checkpoint at step {found.step} of {found.steps}, kept by {found.record.host}"
            try:
                parts = snapshot.unpack(self._run, tracking.read_checkpoint(self._logger.uri, found))
            except (tracking.NoCheckpoint, snapshot.Unfit) as reason:
                self._logger.lines.say(f"not gone on from {place}: {reason}")
                continue
            self._logger.lines.say(f"goes on from {place}")
            if found.hardware != tracking.hardware():
                self._logger.lines.say(f"on another machine ({found.hardware}): the bits may be others")
            self._logger.resumed(found.step, found.steps, float(parts.get("seconds", 0.0)))
            self._logger.log_points(parts["curves"])
            return parts
        return None

    def __call__(self, info: StepInfo) -> None:
        """Keep a checkpoint if it's time for one, or if the run is to stop, which it then does.

        Raises:
            Stopped: the run was asked to stop.
        """
        if info.step == info.steps:
            # What is left is to score the weights, which has no steps: whoever asks from now on keeps one himself.
            self._kept.rest(lambda: self._keep(info, wait=True))
        if self._kept.asked is not None:
            kept = self._keep(info, wait=True)
            at = f"goes on at step {info.step} of {info.steps}" if kept else "no checkpoint could be kept"
            raise tracking.Stopped(f"{self._kept.asked}; {at}", pruned=False)
        if self._kept.due:
            self._keep(info)

    def _keep(self, info: StepInfo, *, wait: bool = False) -> bool:
        from harness.training import snapshot

        return self._kept.keep(snapshot.pack(self._run, info.parts()), info.step, info.steps, wait=wait)
