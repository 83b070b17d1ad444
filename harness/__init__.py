"""Ablation harness for 2D-to-3D human pose lifting."""

__version__ = "0.1.0"
