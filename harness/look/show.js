// Clips of a data set: the person in space, and beside it what the network is given at each level of occlusion.
playSkeletons({
  unpack(packed, tools) {
    const { data } = tools;
    const image = tools.numbers(packed.image);
    const poses = tools.numbers(packed.poses);
    const levels = packed.levels.map(({ name, seen, visible }) => {
      const flags = tools.flags(visible);
      return { name, seen: tools.numbers(seen), hides: (f) => (j) => !flags(f * data.joints + j) };
    });
    const unscored = packed.unscored === undefined ? () => false : tools.flags(packed.unscored);
    const every = Array.from({ length: packed.frames }, (_, f) => f);
    return {
      ...packed, data, image, poses, levels, unscored,
      square: tools.square(image, 0.7),
      reach: tools.reach(poses, every),
    };
  },
  heads: (clip) => ["in space", ...clip.levels.map(({ name }) => name)],
  draw(clip, frame, panel, { body, flat, solid, context }) {
    const { colours, joints } = clip.data;
    const [truth, given, wrong] = colours;
    const level = clip.levels[panel === 0 ? clip.levels.length - 1 : panel - 1];
    const hides = level.hides(frame);
    if (panel === 0) {
      body(solid(clip.poses, frame, clip.reach), truth, { hides });
      return;
    }
    const place = flat(clip.image, clip.square);
    const reported = flat(level.seen, clip.square);
    body(place, truth, { hides, pale: true });
    for (let joint = 0; joint < joints; joint++) {
      const [x, y] = reported(joint);
      context.strokeStyle = context.fillStyle = hides(joint) ? wrong : given;
      context.lineWidth = 0.7;
      context.beginPath();
      context.moveTo(...place(joint));
      context.lineTo(x, y);
      context.stroke();
      context.beginPath();
      if (hides(joint)) {
        context.lineWidth = 1.6;
        for (const way of [-1, 1]) {
          context.moveTo(x - 3, y - 3 * way);
          context.lineTo(x + 3, y + 3 * way);
        }
        context.stroke();
      } else {
        context.arc(x, y, 2, 0, 2 * Math.PI);
        context.fill();
      }
    }
  },
  told(clip, frame) {
    const count = (level) => {
      const hides = level.hides(frame);
      return Array.from({ length: clip.data.joints }, (_, j) => hides(j)).filter(Boolean).length;
    };
    const words = clip.levels.map((level) => `${level.name} ${count(level)} of ${clip.data.joints} hidden`).join(", ");
    return clip.unscored(frame) ? `${words} (this frame isn't scored)` : words;
  },
});
