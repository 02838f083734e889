"""The longest part of a clip without a cut is found."""

from pathlib import Path

import numpy as np
from PIL import Image

from app.engine.sources.shots import longest_shot


def test_the_longest_part_between_cuts_is_found(tmp_path: Path) -> None:
    levels = [20] * 3 + [120, 121, 123, 125, 126] + [230] * 2
    for index, level in enumerate(levels):
        Image.fromarray(np.full((64, 80, 3), level, np.uint8)).save(tmp_path / f"{index:02}.png")
    assert longest_shot(tmp_path) == range(3, 8)
