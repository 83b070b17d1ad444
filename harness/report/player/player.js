// Plays the clips of #player-data: the input, the truth and two predictions side by side.
"use strict";
(() => {
  const player = document.getElementById("player");
  const data = JSON.parse(document.getElementById("player-data").textContent);
  const find = (name) => player.querySelector(name);
  const [select, button, slider, output, canvas] = ["select", "button", "input", "output", "canvas"].map(find);
  const context = canvas.getContext("2d");
  const heads = ["input", "truth", ...data.names];
  const thin = new Set(data.thin);
  let clip = null;
  let frame = 0;
  let playing = false;
  let [yaw, pitch] = data.view;

  // What a clip's texts hold; read when it is first shown.
  function unpack(packed) {
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const numbers = ({ unit, values }) => {
      const view = new DataView(bytes(values).buffer);
      return Float32Array.from({ length: view.byteLength / 2 }, (_, i) => view.getInt16(2 * i, true) * unit);
    };
    const bits = bytes(packed.visible);
    const inputs = numbers(packed.inputs);
    const poses = numbers(packed.poses);
    const low = [Infinity, Infinity];
    const high = [-Infinity, -Infinity];
    inputs.forEach((value, i) => {
      low[i % 2] = Math.min(low[i % 2], value);
      high[i % 2] = Math.max(high[i % 2], value);
    });
    let reach = 0;
    for (let f = 0; f < packed.frames; f++) {
      for (let j = 0; j < data.joints; j++) reach = Math.max(reach, Math.hypot(...point(poses, 3 * f, j)));
    }
    return {
      ...packed, inputs, poses,
      hides: (f, j) => { const i = f * data.joints + j; return !((bits[i >> 3] >> (7 - (i & 7))) & 1); },
      middle: [(low[0] + high[0]) / 2, (low[1] + high[1]) / 2],
      half: 0.55 * Math.max(high[0] - low[0], high[1] - low[1], 1e-6),
      reach: 1.1 * reach || 1,
    };
  }

  function point(values, pose, joint) {
    const at = 3 * (pose * data.joints + joint);
    return [values[at], values[at + 1], values[at + 2]];
  }

  // Orthographic, from a side: turned about the vertical, then about the horizontal.
  function turned([x, y, z]) {
    const away = z * Math.cos(yaw) - x * Math.sin(yaw);
    return [x * Math.cos(yaw) + z * Math.sin(yaw), y * Math.cos(pitch) + away * Math.sin(pitch)];
  }

  // Bones, and circles at hidden joints; pale: bones that end where nothing was seen.
  function body(place, colour, { marks = true, pale = false } = {}) {
    const points = Array.from({ length: data.joints }, (_, joint) => place(joint));
    const unseen = ([parent, child]) => pale && (clip.hides(frame, parent) || clip.hides(frame, child));
    for (const bone of [...data.bones].sort((a, b) => unseen(b) - unseen(a))) {
      const [parent, child] = bone;
      context.strokeStyle = unseen(bone) ? data.under : colour;
      context.lineWidth = thin.has(child) ? 1.4 : 3;
      context.beginPath();
      context.moveTo(...points[parent]);
      context.lineTo(...points[child]);
      context.stroke();
    }
    if (!marks) return;
    context.lineWidth = 1.2;
    context.strokeStyle = data.mark;
    context.fillStyle = "#fff";
    points.forEach(([x, y], joint) => {
      if (!clip.hides(frame, joint)) return;
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
    const across = canvas.clientWidth >= 560 ? 4 : 2;
    const side = Math.min(canvas.clientWidth / across, 320);
    const tall = side + 22;
    const sharp = window.devicePixelRatio || 1;
    const wanted = [Math.round(side * across * sharp), Math.round((tall * heads.length / across) * sharp)];
    if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) {
      [canvas.width, canvas.height] = wanted;
      canvas.style.height = `${tall * heads.length / across}px`;
      canvas.style.maxWidth = `${side * across}px`;
    }
    context.setTransform(sharp, 0, 0, sharp, 0, 0);
    context.clearRect(0, 0, side * across, (tall * heads.length) / across);
    context.lineCap = "round";
    context.textAlign = "center";
    heads.forEach((head, i) => {
      const left = (i % across) * side;
      const top = Math.floor(i / across) * tall;
      context.fillStyle = "#1d2126";
      context.font = "600 13px system-ui, sans-serif";
      const said = i < 2 ? head : `${head}: ${clip.errors[frame][i - 2].toFixed(1)} mm`;
      context.fillText(said, left + side / 2, top + 15, side - 8);
      context.save();
      context.beginPath();
      context.rect(left + 2, top + 22, side - 4, side - 2);
      context.clip();
      const centre = [left + side / 2, top + 22 + side / 2];
      if (i === 0) {
        const scale = side / 2 / clip.half;
        const place = (joint) => {
          const at = 2 * (frame * data.joints + joint);
          return [0, 1].map((axis) => centre[axis] + (clip.inputs[at + axis] - clip.middle[axis]) * scale);
        };
        body(place, data.colours[0], { pale: true });
      } else {
        const scale = side / 2 / clip.reach;
        const pose = (which) => (joint) =>
          turned(point(clip.poses, 3 * frame + which, joint)).map((value, axis) => centre[axis] + value * scale);
        if (i > 1) body(pose(0), data.under, { marks: false });
        body(pose(i - 1), data.colours[i - 1]);
      }
      context.restore();
    });
    const number = clip.start + frame * clip.step;
    const seconds = (number * clip.fps ** -1) / clip.step;
    const mm = data.names.map((name, i) => `${name} ${clip.errors[frame][i].toFixed(1)} mm`).join(", ");
    slider.value = frame;
    const told = `frame ${number + 1} of ${clip.total}, ${seconds.toFixed(2)} s`;
    slider.setAttribute("aria-valuetext", told);
    output.textContent = `${told}: ${mm}`;
  }

  function choose(index) {
    if (data.clips[index].values === undefined) data.clips[index] = { values: unpack(data.clips[index]) };
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
})();
