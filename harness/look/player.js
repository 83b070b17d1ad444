// Skeletons that play. A page calls playSkeletons with what it draws:
//   unpack(packed, tools): what a clip of #player-data holds, with frames, start, step, total and fps;
//   heads(clip, frame): the words above each panel, one a panel;
//   draw(clip, frame, panel, pen): one panel; pen.flat and pen.solid place points, pen.body draws bones;
//   told(clip, frame): what is said of the frame.
"use strict";
function playSkeletons(page) {
  const player = document.getElementById("player");
  const data = JSON.parse(document.getElementById("player-data").textContent);
  const find = (name) => player.querySelector(name);
  const [select, button, slider, output, canvas] = ["select", "button", "input", "output", "canvas"].map(find);
  const context = canvas.getContext("2d");
  const thin = new Set(data.thin);
  let clip = null;
  let frame = 0;
  let playing = false;
  let [yaw, pitch] = data.view;

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const tools = {
    data,
    numbers: ({ unit, values }) => {
      const view = new DataView(bytes(values).buffer);
      return Float32Array.from({ length: view.byteLength / 2 }, (_, i) => view.getInt16(2 * i, true) * unit);
    },
    flags: (text) => {
      const packed = bytes(text);
      return (i) => Boolean((packed[i >> 3] >> (7 - (i & 7))) & 1);
    },
    // Middle and half of the square that holds all 2D points.
    square: (points, room = 0.55) => {
      const low = [Infinity, Infinity];
      const high = [-Infinity, -Infinity];
      points.forEach((value, i) => {
        low[i % 2] = Math.min(low[i % 2], value);
        high[i % 2] = Math.max(high[i % 2], value);
      });
      return {
        middle: [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2],
        half: room * Math.max(high[0] - low[0], high[1] - low[1], 1e-6),
      };
    },
    // The farthest of the points of some poses from the root.
    reach: (points, poses) => {
      let found = 0;
      for (const pose of poses) {
        for (let j = 0; j < data.joints; j++) found = Math.max(found, Math.hypot(...three(points, pose, j)));
      }
      return 1.1 * found || 1;
    },
  };

  function three(values, pose, joint) {
    const at = 3 * (pose * data.joints + joint);
    return [values[at], values[at + 1], values[at + 2]];
  }

  // Orthographic, from a side: turned about the vertical, then about the horizontal.
  function turned([x, y, z]) {
    const away = z * Math.cos(yaw) - x * Math.sin(yaw);
    return [x * Math.cos(yaw) + z * Math.sin(yaw), y * Math.cos(pitch) + away * Math.sin(pitch)];
  }

  // Bones, and circles at hidden joints; pale: bones that end where nothing was seen.
  function body(place, colour, { hides = null, pale = false } = {}) {
    const points = Array.from({ length: data.joints }, (_, joint) => place(joint));
    const unseen = ([parent, child]) => pale && (hides(parent) || hides(child));
    for (const bone of [...data.bones].sort((a, b) => unseen(b) - unseen(a))) {
      const [parent, child] = bone;
      context.strokeStyle = unseen(bone) ? data.under : colour;
      context.lineWidth = thin.has(child) ? 1.4 : 3;
      context.beginPath();
      context.moveTo(...points[parent]);
      context.lineTo(...points[child]);
      context.stroke();
    }
    if (hides === null) return;
    context.lineWidth = 1.2;
    context.strokeStyle = data.mark;
    context.fillStyle = "#fff";
    points.forEach(([x, y], joint) => {
      if (!hides(joint)) return;
      context.beginPath();
      context.arc(x, y, 4.5, 0, 2 * Math.PI);
      context.fill();
      for (const way of [-1, 1]) {
        context.moveTo(x - 2.2, y - 2.2 * way);
        context.lineTo(x + 2.2, y + 2.2 * way);
      }
      context.moveTo(x + 4.5, y);
      context.arc(x, y, 4.5, 0, 2 * Math.PI);
      context.stroke();
    });
  }

  function draw() {
    const heads = page.heads(clip, frame);
    const across = canvas.clientWidth >= 560 ? Math.min(heads.length, 4) : 2;
    const down = Math.ceil(heads.length / across);
    const side = Math.min(canvas.clientWidth / across, 320);
    const tall = side + 22;
    const sharp = window.devicePixelRatio || 1;
    const wanted = [Math.round(side * across * sharp), Math.round(tall * down * sharp)];
    if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
      [canvas.width, canvas.height] = wanted;
      canvas.style.height = `${tall * down}px`;
      canvas.style.maxWidth = `${side * across}px`;
    }
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, side * across, tall * down);
    context.lineCap = "round";
    context.textAlign = "center";
    heads.forEach((head, i) => {
      const left = (i % across) * side;
      const top = Math.floor(i / across) * tall;
      context.fillStyle = "#1d2126";
      context.font = "600 13px system-ui, sans-serif";
      context.fillText(head, left + side / 2, top + 15, side - 8);
      context.save();
      context.beginPath();
      context.rect(left + 2, top + 22, side - 4, side - 2);
      context.clip();
      const centre = [left + side / 2, top + 22 + side / 2];
      page.draw(clip, frame, i, {
        context,
        body,
        flat: (points, { middle, half }) => (joint) => {
          const at = 2 * (frame * data.joints + joint);
          return [0, 1].map((axis) => centre[axis] + ((points[at + axis] - middle[axis]) * side) / 2 / half);
        },
        solid: (points, pose, reach) => (joint) =>
          turned(three(points, pose, joint)).map((value, axis) => centre[axis] + (value * side) / 2 / reach),
      });
      context.restore();
    });
    const number = clip.start + frame * clip.step;
    const seconds = (number * clip.fps ** -1) / clip.step;
    slider.value = frame;
    const told = `frame ${number + 1} of ${clip.total}, ${seconds.toFixed(2)} s`;
    slider.setAttribute("aria-valuetext", told);
    output.textContent = `${told}: ${page.told(clip, frame)}`;
  }

  function choose(index) {
    // Unpacked when it is first shown.
    if (data.clips[index].values === undefined) data.clips[index] = { values: page.unpack(data.clips[index], tools) };
    clip = data.clips[index].values;
    slider.max = clip.frames - 1;
    frame = 0;
    draw();
  }

  function play(on) {
    if (on === playing) return;
    playing = on;
    button.textContent = on ? "Pause" : "Play";
    let last = null;
    const next = (now) => {
      if (!playing) return;
      const ahead = last === null ? 0 : Math.floor(((now - last) / 1000) * clip.fps);
      if (last === null) last = now;
      if (ahead > 0) {
        last += (ahead * 1000) / clip.fps;
        // A page that was hidden goes on where it was, not where it would be.
        frame = (frame + Math.min(ahead, 5)) % clip.frames;
        draw();
      }
      requestAnimationFrame(next);
    };
    if (on) requestAnimationFrame(next);
  }

  function turn(sideways, upwards) {
    yaw += sideways;
    pitch = Math.max(-1.5, Math.min(1.5, pitch + upwards));
    draw();
  }

  const keys = {
    ArrowLeft: () => turn(-0.1, 0),
    ArrowRight: () => turn(0.1, 0),
    ArrowUp: () => turn(0, -0.1),
    ArrowDown: () => turn(0, 0.1),
    Home: () => { [yaw, pitch] = data.view; draw(); },
    " ": () => play(!playing),
  };
  select.addEventListener("change", () => choose(select.selectedIndex));
  button.addEventListener("click", () => play(!playing));
  slider.addEventListener("input", () => { play(false); frame = Number(slider.value); draw(); });
  canvas.addEventListener("keydown", (event) => {
    if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", (event) => {
    if (event.buttons & 1) turn(event.movementX * 0.01, event.movementY * 0.01);
  });

  player.hidden = false;
  // A browser that goes back to a page restores what was selected there.
  choose(Math.max(0, select.selectedIndex));
  new ResizeObserver(draw).observe(player);
}
