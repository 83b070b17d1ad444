"""What the actions of the motion generator are made of: drift, waypoints, rhythm, footsteps, standing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from harness.data.synthetic_body import LEFT, RIGHT, Array, Body, Motion

FPS = 50.0
MARGIN = 100
"""Frames simulated before and after a clip, so that its first and last steps come from somewhere."""

_POSTURES = np.array(
    [
        (5.0, 8.0, 5.0, 15.0),  # hanging
        (-10.0, 14.0, 15.0, 30.0),  # hanging, loose
        (-22.0, 42.0, 60.0, 95.0),  # on the hip
        (35.0, 5.0, 65.0, 105.0),  # across the chest
        (40.0, 8.0, 30.0, 85.0),  # held in front
        (55.0, 40.0, 40.0, 130.0),  # at the ear
        (-30.0, 14.0, 70.0, 50.0),  # behind the back
        (100.0, 25.0, 0.0, 35.0),  # held up
        (20.0, 70.0, -10.0, 40.0),  # held out
    ]
)
"""Arm postures: shoulder flexion, abduction, rotation, elbow flexion, degrees."""


def smooth_step(share: Array) -> Array:
    """0 → 1 with no velocity or acceleration at the ends (the minimum-jerk profile)."""
    share = np.clip(share, 0.0, 1.0)
    return share**3 * (10.0 + share * (6.0 * share - 15.0))


def bump(share: Array) -> Array:
    """0 → 1 → 0 with no velocity or acceleration at the ends."""
    share = np.clip(share, 0.0, 1.0)
    return (4.0 * share * (1.0 - share)) ** 3


def drift(rng: np.random.Generator, time: Array, size: float | Array, *shape: int, highest: float = 1.2) -> Array:
    """Smooth noise (T, *shape) of standard deviation ``size``.

    Its amplitude falls as 1/f up to ``highest`` Hz, as 1/f³ from there to 10 Hz, and is zero beyond.
    """
    frequency = np.fft.rfftfreq(len(time), 1.0 / FPS)
    frequency = frequency[1 : max(2, int(np.searchsorted(frequency, 10.0)))]
    falling = np.minimum(1.0, highest / frequency) ** 2 / (0.3 + frequency)
    wave = rng.normal(size=(len(frequency), *shape, 2)) * falling.reshape(-1, *(1,) * (len(shape) + 1))
    wave /= np.sqrt(2.0 * (wave**2).sum(axis=(0, -1)))[..., None]
    spectrum = np.zeros((len(time) // 2 + 1, *shape), complex)
    spectrum[1 : len(frequency) + 1] = wave[..., 0] + 1j * wave[..., 1]
    return size * np.fft.irfft(spectrum * len(time), len(time), axis=0)


def waypoints(
    rng: np.random.Generator,
    time: Array,
    low: ArrayLike,
    high: ArrayLike,
    every: tuple[float, float],
    hold: float = 0.25,
) -> Array:
    """Point-to-point movement (T, D) between random places in [low, high], resting ``hold`` of the time.

    Args:
        every: shortest and longest time from one place to the next, seconds.
    """
    low, high = np.asarray(low, float), np.asarray(high, float)
    number = int((time[-1] - time[0]) / every[0]) + 3
    moments = time[0] - every[1] * rng.random() + np.concatenate(([0.0], np.cumsum(rng.uniform(*every, number))))
    places = rng.uniform(low, high, (number + 1, len(low)))
    return follow(time, moments, places, hold)


def follow(time: Array, moments: Array, places: Array, hold: float = 0.0) -> Array:
    """Minimum-jerk movement (T, D) through ``places`` (K, D) at ``moments`` (K,), at rest in each."""
    at = np.clip(np.searchsorted(moments, time, side="right") - 1, 0, len(moments) - 2)
    share = (time - moments[at]) / (moments[at + 1] - moments[at])
    blend = smooth_step((share - hold) / (1.0 - hold))[:, None]
    return places[at] * (1.0 - blend) + places[at + 1] * blend


def cycles(rng: np.random.Generator, time: Array, lasting: tuple[float, float]) -> Array:
    """How far (T,), from 0 to 1, the current one of a row of repetitions is; each lasts seconds in ``lasting``."""
    number = int((time[-1] - time[0]) / lasting[0]) + 3
    starts = time[0] - lasting[1] * rng.random() + np.concatenate(([0.0], np.cumsum(rng.uniform(*lasting, number))))
    at = np.searchsorted(starts, time, side="right") - 1
    return (time - starts[at]) / (starts[at + 1] - starts[at])


def rhythm(rng: np.random.Generator, time: Array, frequency: float, wander: float = 0.06) -> Array:
    """A phase in cycles that grows at ``frequency`` Hz on average and is never quite regular."""
    return rng.random() + frequency * time + drift(rng, time, wander, highest=0.5)


def wave(phase: Array, size: float | Array = 1.0, shift: float = 0.0) -> Array:
    """A sinusoid of a phase in cycles."""
    return size * np.sin(2.0 * np.pi * (phase + shift))


def standing(rng: np.random.Generator, time: Array, body: Body) -> Motion:
    """Standing at ease somewhere: feet planted, arms in a random posture, everything drifting a little."""
    frames, yaw = len(time), rng.uniform(-180.0, 180.0)
    arms = _POSTURES[rng.choice(len(_POSTURES), 2, p=_ODDS)] + rng.normal(0.0, 8.0, (2, 4))
    spine = drift(rng, time, np.array([4.0, 3.0, 4.0]), 3, 3) + rng.normal(0.0, 3.0, (3, 3)) + [3.0, 0.0, 0.0]
    spine[:, 2, 2] += drift(rng, time, 15.0, highest=0.6)
    turn = np.column_stack((yaw + drift(rng, time, 3.0), drift(rng, time, 2.0) + 2.0, drift(rng, time, 1.5)))
    feet = np.zeros((frames, 2, 3))
    stagger, half = rng.normal(0.0, 0.05), rng.uniform(0.07, 0.16)
    feet[:, RIGHT] = [*_rotate(yaw, np.array([stagger, -half])), body.ankle]
    feet[:, LEFT] = [*_rotate(yaw, np.array([-stagger, half])), body.ankle]
    return Motion(
        place=drift(rng, time, 0.02, 2, highest=0.6),
        height=body.hip_height + drift(rng, time, 0.006),
        turn=turn,
        spine=spine,
        clavicle=np.abs(drift(rng, time, 4.0, 2)),
        arms=arms + drift(rng, time, np.array([6.0, 4.0, 6.0, 8.0]), 2, 4),
        feet=feet,
        splay=np.full((frames, 2), rng.uniform(0.0, 14.0)),
    )


_ODDS = np.array([6.0, 4.0, 1.5, 1.5, 2.0, 1.0, 1.0, 0.7, 0.7])
_ODDS /= _ODDS.sum()


def heading(yaw: Array) -> Array:
    """Unit vectors (…, 2) of yaw angles in degrees."""
    return np.stack((np.cos(np.deg2rad(yaw)), np.sin(np.deg2rad(yaw))), axis=-1)


def _rotate(yaw: Array | float, offset: Array) -> Array:
    forward = heading(np.asarray(yaw))
    left = np.stack((-forward[..., 1], forward[..., 0]), axis=-1)
    return offset[..., :1] * forward + offset[..., 1:] * left


def beside(place: Array, yaw: Array, forward: Array | float, left: Array | float) -> Array:
    """``place`` (T, 2) moved by distances along and across ``yaw`` (T,), metres."""
    offset = np.empty_like(place)
    offset[:, 0], offset[:, 1] = forward, left
    return place + _rotate(yaw, offset)


def footsteps(
    rng: np.random.Generator,
    phase: Array,
    place: Array,
    yaw: Array,
    body: Body,
    *,
    duty: float,
    lift: float,
    half: float,
) -> Array:
    """Ankles (T, 2, 3) of a body stepping along a path: planted while its phase is below ``duty``.

    A foot is planted where the body will be when half of its stance is over, ``half`` metres to its
    side, and does not move until it is lifted.

    Args:
        phase: (T,) increasing, cycles of the right foot; the left one is half a cycle behind.
        lift: height of a step, metres.
    """
    feet = np.empty((len(phase), 2, 3))
    for side, sign in ((RIGHT, -1.0), (LEFT, 1.0)):
        own = phase + 0.5 * side
        count = np.floor(own).astype(int)
        first = count.min()
        middles = np.arange(first, count.max() + 2) + duty / 2
        where = np.column_stack([np.interp(middles, own, axis) for axis in place.T])
        spots = beside(where, np.interp(middles, own, yaw), 0.0, sign * half) + rng.normal(0.0, 0.012, where.shape)
        swing = (own - count - duty) / (1.0 - duty)
        swing = np.maximum(swing, 0.0)
        blend = smooth_step(swing**0.85 * 1.06 - 0.04)[:, None]  # lifted before it is moved
        feet[:, side, :2] = spots[count - first] * (1.0 - blend) + spots[count - first + 1] * blend
        feet[:, side, 2] = body.ankle + lift * bump(swing**0.75)
    return feet
