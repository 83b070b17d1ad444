// The clips of a report: the input, the truth and two predictions side by side.
playSkeletons({
  unpack(packed, tools) {
    const { data } = tools;
    const inputs = tools.numbers(packed.inputs);
    const poses = tools.numbers(packed.poses);
    const visible = tools.flags(packed.visible);
    const left = packed.unscored === undefined ? () => false : tools.flags(packed.unscored);
    const truths = Array.from({ length: packed.frames }, (_, f) => 3 * f);
    return {
      ...packed, data, inputs, poses,
      hides: (f) => (j) => !visible(f * data.joints + j),
      unscored: left,
      square: tools.square(inputs),
      reach: tools.reach(poses, truths),
    };
  },
  heads: (clip, frame) => [
    "input",
    "truth",
    ...clip.data.names.map((name, i) => `${name}: ${clip.errors[frame][i].toFixed(1)} mm`),
  ],
  draw(clip, frame, panel, { body, flat, solid }) {
    const { colours, under } = clip.data;
    const hides = clip.hides(frame);
    if (panel === 0) {
      body(flat(clip.inputs, clip.square), colours[0], { hides, pale: true });
      return;
    }
    const pose = (which) => solid(clip.poses, 3 * frame + which, clip.reach);
    if (panel > 1) body(pose(0), under);
    body(pose(panel - 1), colours[panel - 1], { hides });
  },
  told(clip, frame) {
    const mm = clip.data.names.map((name, i) => `${name} ${clip.errors[frame][i].toFixed(1)} mm`).join(", ");
    return clip.unscored(frame) ? `${mm} (this frame isn't scored)` : mm;
  },
});
