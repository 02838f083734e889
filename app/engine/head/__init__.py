"""Fits and draws a whole head: ICT-FaceKit's head with ears, skull and neck (MIT licence), bound to our 468 vertices.

    model = HeadModel.load()                        # the asset, read once a process
    head = fit_head(face, matte)                    # frozen; a FittedFace and its (H, W) matte in [0, 1]
    points = head.posed(camera, offsets, shift)     # (V, 3) px, z to the viewer, of any target camera
    ids, depth = rasterised(points, model.triangles, (x0, y0, x1, y1))   # nearest triangle of every pixel

There are two spaces. `HeadModel` is in cm, with ICT's axes: x to the image's right, y up, z to the viewer. A `Head`
is in the model space of its photo's camera, whose unit is the distance between the eyes, so that `head.points`,
projected by that camera, lie on the photo. Expressions are (468, 3) offsets in model space, as in all of the engine;
`HeadModel.binding` (V, 468) carries them to the head. Triangles that meet in one hub close the mouth and the two eyes
(`HeadModel.loops` are their borders; the hubs are the last three vertices: mouth, right eye, left eye).
`HeadModel.inner` holds eyeballs, teeth, gums, tongue and the mouth's socket in their neutral places (cm);
`head.placed` takes these, or any other places in cm, to the photo's model space.
"""

from app.engine.head.fit import fit_head
from app.engine.head.head import Head
from app.engine.head.model import HeadModel
from app.engine.head.raster import rasterised

__all__ = ["Head", "HeadModel", "fit_head", "rasterised"]
