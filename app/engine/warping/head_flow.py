"""Computes the flow of a turned head: where the photo shows what is drawn at each pixel."""

from __future__ import annotations

import cv2
import numpy as np

from app.engine.head import HeadModel
from app.engine.head.raster import carried, rasterised, shares
from app.engine.imaging.colour import largest
from app.engine.warping.body import moves, shift_flow
from app.engine.warping.curves import Float32, FloatArray
from app.engine.warping.hair import Sheet
from app.engine.warping.head_drawing import HeadFrame, HeadLook
from app.engine.warping.layers import Box, Layers, around
from app.engine.warping.own_view import OwnView


def drawn_displacements(look: HeadLook, layers: Layers, own: OwnView, view: HeadFrame) -> tuple[Float32, Box]:
    """Return the displacements (h, w, 2) px of the box that changes, and that box (x0, y0, x1, y1) px.

    A displacement goes from a pixel to the place where the photo shows what `drawn_head` draws there; where the photo
    does not show it, to the place where it would be.
    """
    box = own.box(view.points, view.hair, look.there, layers.zone.shape)
    box = around(box, look.body.box) if moves(view.shift) else box
    flow = shift_flow(layers.hold, look.body, view.shift, box)
    if not flow.size:  # eyes alone move, or nothing by as much as is seen
        return flow, box
    model = HeadModel.load()
    ids, depth = rasterised(view.points, model.triangles, box)
    share = np.zeros((*ids.shape, 3), np.float32)
    shares(view.points - [0.5, 0.5, 0.0], model.triangles, ids, box[0], box[1], share)
    found = np.zeros((*ids.shape, 3), np.float32)
    went, _ = own.moved(view.points, view.hair)  # what has not moved is the photo's
    values = np.column_stack([look.seen.at, look.there * went])
    carried(ids, share, model.corners, model.base, values, found)
    y, x = np.indices(ids.shape, np.float32) + np.float32(0.5)
    way = found[..., :2] - np.stack([x + np.float32(box[0]), y + np.float32(box[1])], axis=-1)
    flow += np.where(ids >= 0, found[..., 2], 0)[..., None] * (way - flow)
    if look.sheet is not None:
        hair, near = hair_displacements(look.sheet, view.hair, box)
        before = (near > np.where(ids >= 0, depth, -np.inf)) & np.isfinite(hair).all(axis=2)
        flow[before] = hair[before]
    return np.asarray(flow, np.float32), box


def hair_displacements(beside: Sheet, points: FloatArray, box: Box) -> tuple[Float32, Float32]:
    """Return the displacements (h, w, 2) px of the hair in a box (x0, y0, x1, y1), and its depth (h, w) px.

    A displacement goes from a pixel to the place where the photo shows the hair that is drawn there; it is NaN where
    no hair is drawn. points: (N, 3) px of the sheet in the frame.
    """
    ids, depth = rasterised(points, beside.triangles, box)
    share = np.zeros((*ids.shape, 3), np.float32)
    shares(points - [0.5, 0.5, 0.0], beside.triangles, ids, box[0], box[1], share)
    found = np.full((*ids.shape, 2), np.nan, np.float32)
    every = np.arange(len(points), dtype=np.int32)
    carried(ids, share, beside.triangles, every, beside.points[:, :2].astype(np.float32), found)
    x = np.nan_to_num(found[..., 0]) - np.float32(beside.corner[0] + 0.5)
    y = np.nan_to_num(found[..., 1]) - np.float32(beside.corner[1] + 0.5)
    alpha = cv2.remap(np.ascontiguousarray(beside.texture[..., 3]), x, y, cv2.INTER_LINEAR)
    top = largest(beside.texture.dtype)
    found[alpha < top / 2] = np.nan
    rows, columns = np.indices(ids.shape, np.float32) + np.float32(0.5)
    return found - np.stack([columns + np.float32(box[0]), rows + np.float32(box[1])], axis=-1), depth
