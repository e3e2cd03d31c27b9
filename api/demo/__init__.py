"""The demo: a school of its own, and the main job from marks to a sealed, verifiable volume. All real but the keys."""
