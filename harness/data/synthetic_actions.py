"""The actions of the motion generator. Each starts from standing and moves what the action moves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import numpy as np

from harness.data.synthetic_body import LEFT, RIGHT, Array, Body, Motion, draw_body, positions
from harness.data.synthetic_motion import (
    FPS,
    MARGIN,
    beside,
    bump,
    cycles,
    drift,
    footsteps,
    heading,
    rhythm,
    smooth_step,
    standing,
    wave,
    waypoints,
)

Generator = np.random.Generator


def _locomotion(
    rng: Generator,
    time: Array,
    body: Body,
    *,
    speed: Array,
    course: Array,
    facing: Array,
    cadence: float,
    duty: float,
    lift: float,
    swing: float,
) -> tuple[Motion, Array]:
    """Standing turned into stepping along a course; also the right foot's phase (T,), in cycles."""
    motion = standing(rng, time, body)
    phase = rhythm(rng, time, cadence, 0.03)
    motion.place = np.cumsum(speed[:, None] * heading(course), axis=0) / FPS
    half = rng.uniform(0.05, 0.11)
    motion.feet = footsteps(rng, phase, motion.place, facing, body, duty=duty, lift=lift, half=half)
    motion.turn[:, 0] = facing + wave(phase, rng.uniform(2.0, 7.0), 0.25)
    motion.turn[:, 2] += wave(phase, rng.uniform(2.0, 5.0))
    motion.spine[:, 1, 2] -= wave(phase, rng.uniform(4.0, 12.0), 0.25)
    for side in (RIGHT, LEFT):
        own = phase + 0.5 * side
        motion.arms[:, side, 0] -= wave(own, swing, 0.25 + rng.normal(0.0, 0.03))
        motion.arms[:, side, 3] += swing * (0.3 - 0.3 * wave(own, 1.0, 0.2))
    return motion, phase


def walk(rng: Generator, time: Array, body: Body) -> Motion:
    """Forwards, sometimes backwards or sideways, on a course that bends."""
    way = rng.choice([0.0, 0.0, 0.0, 0.0, 180.0, 90.0, -90.0])
    fastest = 1.6 if way == 0.0 else 0.8
    speed = rng.uniform(0.5, fastest) * (1.0 + drift(rng, time, 0.08, highest=0.4))
    course = rng.uniform(-180.0, 180.0) + np.cumsum(drift(rng, time, 20.0, highest=0.25)) / FPS
    pace = float(speed.mean())
    motion, phase = _locomotion(
        rng, time, body, speed=speed, course=course, facing=course - way, cadence=0.5 + 0.36 * pace,
        duty=0.54, lift=rng.uniform(0.06, 0.13), swing=rng.uniform(5.0, 30.0),
    )  # fmt: skip
    motion.height += wave(2.0 * phase, 0.012, 0.1)
    return motion


def run(rng: Generator, time: Array, body: Body) -> Motion:
    """In a circle, leaning in, with elbows bent and both feet off the floor between steps."""
    pace, side = rng.uniform(1.9, 2.8), rng.choice([-1.0, 1.0])
    rate = np.rad2deg(pace / rng.uniform(1.5, 2.4)) * side
    course = rng.uniform(-180.0, 180.0) + np.cumsum(rate + drift(rng, time, 15.0, highest=0.4)) / FPS
    motion, phase = _locomotion(
        rng, time, body, speed=np.full(len(time), pace), course=course, facing=course, cadence=rng.uniform(1.25, 1.45),
        duty=0.31, lift=rng.uniform(0.18, 0.34), swing=rng.uniform(25.0, 45.0),
    )  # fmt: skip
    motion.arms[..., :2] += np.array([5.0, 10.0]) - motion.arms[..., :2].mean(axis=(0, 1))
    motion.arms[..., 3] += rng.uniform(65.0, 105.0) - motion.arms[..., 3].mean(axis=0)
    motion.height += wave(2.0 * phase, 0.03, rng.uniform(0.0, 0.2)) - 0.03
    motion.turn[:, 1] += rng.uniform(4.0, 12.0)
    motion.turn[:, 2] -= side * rng.uniform(5.0, 12.0)
    return motion


def dance(rng: Generator, time: Array, body: Body) -> Motion:
    """Stepping and turning to a beat, arms sweeping wide, hips swaying."""
    beat = rng.uniform(0.7, 1.15)
    facing = rng.uniform(-180.0, 180.0) + np.cumsum(drift(rng, time, 70.0, highest=0.3)) / FPS
    course = rng.uniform(-180.0, 180.0) + np.cumsum(drift(rng, time, 90.0, highest=0.3)) / FPS
    motion, phase = _locomotion(
        rng, time, body, speed=np.abs(drift(rng, time, 0.45, highest=0.4)), course=course, facing=facing, cadence=beat,
        duty=0.58, lift=rng.uniform(0.08, 0.25), swing=10.0,
    )  # fmt: skip
    motion.arms = waypoints(
        rng, time, np.tile([-25.0, 5.0, -50.0, 10.0], 2), np.tile([150.0, 125.0, 60.0, 110.0], 2), (0.5, 1.1), 0.1
    ).reshape(-1, 2, 4)
    motion.arms += wave(phase[:, None, None] + rng.random((2, 4)), np.array([15.0, 15.0, 12.0, 18.0]))
    motion.spine += wave(phase[:, None, None] + rng.random((3, 3)), np.array([7.0, 8.0, 10.0]))
    motion.turn[:, 2] += wave(phase, 6.0, rng.random())
    motion.height += wave(2.0 * phase, 0.025) - 0.05
    return motion


def turn(rng: Generator, time: Array, body: Body) -> Motion:
    """Talking and pointing while turning on the spot from one listener to another."""
    facing = rng.uniform(-180.0, 180.0) + waypoints(rng, time, [-140.0], [140.0], (1.2, 2.2), 0.45)[:, 0]
    motion, _ = _locomotion(
        rng, time, body, speed=np.full(len(time), 0.08), course=facing, facing=facing, cadence=rng.uniform(0.8, 1.1),
        duty=0.6, lift=rng.uniform(0.05, 0.09), swing=3.0,
    )  # fmt: skip
    low, high = np.tile([-10.0, 0.0, -30.0, 25.0], 2), np.tile([95.0, 60.0, 70.0, 125.0], 2)
    motion.arms = waypoints(rng, time, low, high, (0.45, 1.3), 0.3).reshape(-1, 2, 4)
    motion.arms += drift(rng, time, 4.0, 2, 4, highest=2.5)
    motion.spine[:, 2] += waypoints(rng, time, [-15.0, -10.0, -35.0], [25.0, 10.0, 35.0], (0.6, 1.6))
    return motion


def squat(rng: Generator, time: Array, body: Body) -> Motion:
    """Down and up, knees out, arms forward or at rest."""
    motion = standing(rng, time, body)
    _widen(motion, rng.uniform(0.04, 0.12))
    depth = bump(cycles(rng, time, (1.6, 2.6))) * rng.uniform(0.6, 1.0)
    motion.height -= depth * 0.55 * body.leg
    motion.turn[:, 1] += depth * rng.uniform(15.0, 35.0)
    motion.place = beside(motion.place, motion.turn[:, 0], -0.12 * depth, 0.0)
    motion.spine[:, :2, 0] += (depth * rng.uniform(5.0, 18.0))[:, None]
    motion.splay += (depth * rng.uniform(10.0, 35.0))[:, None]
    if rng.random() < 0.7:
        motion.arms += depth[:, None, None] * np.array([rng.uniform(40.0, 85.0), 5.0, 10.0, rng.uniform(-10.0, 30.0)])
    return motion


def sit(rng: Generator, time: Array, body: Body) -> Motion:
    """Onto an unseen chair, a while of gestures, and up again."""
    motion = standing(rng, time, body)
    length = time[-1] - MARGIN / FPS
    down, up = length * rng.uniform(0.05, 0.25), length * rng.uniform(0.72, 0.9)
    seated = smooth_step((time - down) / rng.uniform(0.9, 1.4)) - smooth_step((time - up) / rng.uniform(0.9, 1.4))
    moving = 4.0 * seated * (1.0 - seated)
    motion.height -= seated * (0.97 - rng.uniform(0.48, 0.6)) * body.leg
    motion.place = beside(motion.place, motion.turn[:, 0], -seated * rng.uniform(0.42, 0.55) * body.leg, 0.0)
    motion.turn[:, 1] += moving * rng.uniform(15.0, 35.0) + seated * rng.uniform(-15.0, 8.0)
    motion.spine[:, :2, 0] += (moving * 10.0 + seated * rng.uniform(-5.0, 15.0))[:, None]
    motion.splay += (seated * rng.uniform(0.0, 20.0))[:, None]
    low, high = np.tile([5.0, 0.0, 0.0, 40.0], 2), np.tile([70.0, 40.0, 60.0, 115.0], 2)
    gestures = waypoints(rng, time, low, high, (0.6, 1.8), 0.35).reshape(-1, 2, 4)
    motion.arms += seated[:, None, None] * (gestures - motion.arms)
    return motion


def reach(rng: Generator, time: Array, body: Body) -> Motion:
    """To shelves, to the sides and to the floor, the trunk following the hands."""
    motion = standing(rng, time, body)
    _widen(motion, rng.uniform(0.0, 0.1))
    low, high = np.tile([0.0, -5.0, -40.0, 5.0], 2), np.tile([165.0, 110.0, 50.0, 75.0], 2)
    arms = waypoints(rng, time, low, high, (0.7, 1.5), 0.25).reshape(-1, 2, 4)
    busy = rng.choice([0.15, 1.0, 1.0], 2)[:, None]
    motion.arms += busy * (arms - motion.arms)
    lean = waypoints(rng, time, [0.0, -1.0, -1.0], [1.0, 1.0, 1.0], (0.9, 1.8), 0.2)
    deep = lean[:, 0] ** 2
    motion.turn[:, 1] += 38.0 * deep
    motion.height -= 0.3 * body.leg * deep**2
    motion.place = beside(motion.place, motion.turn[:, 0], -0.1 * deep, 0.06 * lean[:, 1])
    motion.turn[:, 0] += 20.0 * lean[:, 2]
    motion.spine[:, :2] += lean[:, None] ** [2, 1, 1] * np.array([[28.0, 12.0, 16.0], [18.0, 10.0, 16.0]])
    motion.spine[:, 2, 2] += 20.0 * lean[:, 2]
    return motion


def kick(rng: Generator, time: Array, body: Body) -> Motion:
    """One leg swings back, then forward up to hip height; the arms counter and the trunk leans back."""
    motion = standing(rng, time, body)
    side = int(rng.integers(2))
    sign = 1.0 if side == LEFT else -1.0
    share = cycles(rng, time, (1.3, 2.0))
    back, fore = bump(share / 0.55), bump((share - 0.3) / 0.6)
    height, far = rng.uniform(0.3, 0.75), rng.uniform(0.4, 0.62)
    yaw = motion.turn[:, 0]
    outwards = rng.uniform(-0.1, 0.25) * body.leg * fore
    moved = beside(motion.feet[:, side, :2], yaw, (far * fore - 0.35 * back) * body.leg, sign * outwards)
    motion.feet[:, side, :2] = moved
    motion.feet[:, side, 2] += (height * fore + 0.2 * back) * body.leg
    other = motion.feet[:, 1 - side, :2]
    on_one = 0.6 * bump(share / 1.1)[:, None]
    motion.place += on_one * (other - motion.place)
    motion.turn[:, 1] += 14.0 * back - 16.0 * fore
    motion.turn[:, 0] += sign * (10.0 * back - 15.0 * fore)
    motion.spine[:, :2, 0] += (12.0 * fore)[:, None]
    motion.arms[:, 1 - side, 0] += 50.0 * fore - 25.0 * back
    motion.arms[:, side, 0] += 30.0 * back - 30.0 * fore
    motion.arms[..., 1] += ((fore + back) * rng.uniform(15.0, 45.0))[:, None]
    return motion


def greet(rng: Generator, time: Array, body: Body) -> Motion:
    """Waving with one raised arm or both."""
    motion = standing(rng, time, body)
    arms = rng.choice(3)
    for side in (RIGHT, LEFT):
        if arms not in (side, 2):
            continue
        up = np.clip(waypoints(rng, time, [-0.6], [1.8], (1.0, 2.0), 0.3)[:, 0], 0.0, 1.0)
        up = smooth_step(np.convolve(np.pad(up, 10, mode="edge"), np.ones(21) / 21, "valid"))
        phase = rhythm(rng, time, rng.uniform(1.2, 2.2))
        raised = np.array(
            [rng.uniform(20.0, 90.0), rng.uniform(75.0, 130.0), rng.uniform(-60.0, 0.0), rng.uniform(40.0, 90.0)]
        )
        raised = raised + wave(phase[:, None] + rng.normal(0.0, 0.08, 4), np.array([5.0, 6.0, 14.0, 18.0]))
        motion.arms[:, side] += up[:, None] * (raised - motion.arms[:, side])
        motion.clavicle[:, side] += 12.0 * up
        motion.spine[:, 0, 1] += (1.0 if side == RIGHT else -1.0) * 5.0 * up
    motion.turn[:, 0] += drift(rng, time, 8.0, highest=0.5)
    return motion


def jump(rng: Generator, time: Array, body: Body) -> Motion:
    """Crouch, take off with both feet, tuck, land softly; arms swing up."""
    motion = standing(rng, time, body)
    _widen(motion, rng.uniform(0.0, 0.06))
    share = cycles(rng, time, (1.5, 2.2))
    crouch, flight, landing = bump(share / 0.5), bump((share - 0.36) / 0.32), bump((share - 0.56) / 0.4)
    high = rng.uniform(0.12, 0.3)
    bend = crouch + 0.8 * landing
    motion.height += high * flight - 0.2 * body.leg * bend
    motion.feet[..., 2] += ((high + rng.uniform(0.0, 0.12)) * flight)[:, None]
    motion.turn[:, 1] += 22.0 * bend - 5.0 * flight
    motion.spine[:, :2, 0] += (12.0 * bend - 6.0 * flight)[:, None]
    motion.place = beside(motion.place, motion.turn[:, 0], -0.06 * bend, 0.0)
    motion.splay += (10.0 * bend)[:, None]
    motion.arms[..., 0] += (rng.uniform(50.0, 110.0) * bump((share - 0.28) / 0.5) - 30.0 * crouch)[:, None]
    motion.arms[..., 1] += (rng.uniform(0.0, 50.0) * flight)[:, None]
    return motion


def punch(rng: Generator, time: Array, body: Body) -> Motion:
    """A boxer's guard, bouncing, with straight punches that turn the trunk."""
    motion = standing(rng, time, body)
    yaw = motion.turn[:, 0]
    forward = rng.uniform(0.12, 0.22) * rng.choice([-1.0, 1.0])
    motion.feet[..., :2] = np.stack(
        [
            beside(motion.feet[:, s, :2], np.full_like(yaw, yaw[0]), f, 0.0)
            for s, f in ((RIGHT, -forward), (LEFT, forward))
        ],
        1,
    )
    guard = np.array([rng.uniform(30.0, 50.0), 12.0, 25.0, rng.uniform(110.0, 130.0)])
    motion.arms += guard - motion.arms.mean(axis=0)
    bounce = rhythm(rng, time, rng.uniform(1.2, 1.8))
    motion.height += wave(bounce, 0.018) - 0.08
    motion.place += waypoints(rng, time, [-0.08, -0.08], [0.08, 0.08], (0.5, 1.0))
    reach_out = np.array([rng.uniform(40.0, 60.0), rng.uniform(-5.0, 20.0), 20.0, rng.uniform(-115.0, -85.0)])
    for side, sign in ((RIGHT, 1.0), (LEFT, -1.0)):
        out = bump(cycles(rng, time, (0.7, 1.7)) / rng.uniform(0.55, 0.8))
        motion.arms[:, side] += out[:, None] * reach_out
        motion.spine[:, :2, 2] += (sign * 13.0 * out)[:, None]
        motion.turn[:, 0] += sign * 12.0 * out
        motion.turn[:, 1] += 5.0 * out
    return motion


def lunge(rng: Generator, time: Array, body: Body) -> Motion:
    """A wide step forward or aside and back, the trunk over the bent leg, arms lifted."""
    motion = standing(rng, time, body)
    side = int(rng.integers(2))
    sign = 1.0 if side == LEFT else -1.0
    share = cycles(rng, time, (2.0, 3.0))
    there = smooth_step(share / 0.28) - smooth_step((share - 0.62) / 0.28)
    lift = bump(share / 0.28) + bump((share - 0.62) / 0.28)
    angle = rng.choice([0.0, sign * 90.0, sign * 45.0])
    along = heading(motion.turn[:1, 0] + angle) * rng.uniform(0.55, 0.85) * body.leg
    motion.feet[:, side, :2] += there[:, None] * along
    motion.feet[:, side, 2] += lift * rng.uniform(0.06, 0.14)
    motion.place += there[:, None] * along * rng.uniform(0.45, 0.7)
    motion.height -= there * rng.uniform(0.15, 0.38) * body.leg
    motion.turn[:, 1] += there * rng.uniform(0.0, 22.0)
    motion.splay[:, side] += there * 12.0
    motion.arms += there[:, None, None] * rng.uniform([0.0, 0.0, -30.0, 0.0], [110.0, 80.0, 30.0, 60.0], (2, 4))
    motion.spine[:, 1] += there[:, None] * rng.uniform([-8.0, -15.0, -22.0], [15.0, 15.0, 22.0])
    return motion


def _widen(motion: Motion, by: float) -> None:
    """Move both feet outwards, metres."""
    yaw = np.full(len(motion.place), motion.turn[0, 0])
    for side, sign in ((RIGHT, -1.0), (LEFT, 1.0)):
        motion.feet[:, side, :2] = beside(motion.feet[:, side, :2], yaw, 0.0, sign * by)


ACTIONS: dict[str, Callable[[Generator, Array, Body], Motion]] = {
    f.__name__: f for f in (walk, reach, run, squat, dance, kick, sit, greet, turn, jump, punch, lunge)
}


def perform(subject: str, clips: int, seconds: float, seed: int) -> Iterator[tuple[str, str, float, Array]]:
    """The clips of one subject: name, action, frames per second, positions float32 (frames, 17, 3).

    Each clip depends on (seed, subject, its number) alone. The horizontal middle of its path is at the origin.
    """
    body = draw_body(_generator(seed, subject))
    names = list(ACTIONS)
    for number in range(clips):
        action = names[number % len(names)]
        name = f"{subject}/{action}_{1 + number // len(names)}"
        rng = _generator(seed, name)
        frames = max(1, round(FPS * seconds * rng.uniform(0.8, 1.2)))
        time = (np.arange(frames + 2 * MARGIN) - MARGIN) / FPS
        places = positions(ACTIONS[action](rng, time, body), body)[MARGIN:-MARGIN]
        root = places[:, 0, :2]
        places[..., :2] -= (root.min(axis=0) + root.max(axis=0)) / 2
        yield name, action, FPS, places.astype(np.float32)


def _generator(*key: int | str) -> Generator:
    """Random numbers that depend on the key alone."""
    return np.random.default_rng(list(hashlib.blake2b(repr(key).encode(), digest_size=16).digest()))
