"""A whole head: ICT-FaceKit's head with ears, skull and neck (MIT), bound to our 468 vertices. No Qt, no torch.

    model = HeadModel.load()                        # the asset, read once a process
    head = fit_head(face, matte)                    # frozen; a FittedFace and its (H, W) matte in [0, 1]
    points = head.posed(camera, offsets, shift)     # (V, 3) px, z to the viewer, of any target camera
    ids, depth = rasterised(points, model.triangles, (x0, y0, x1, y1))   # nearest triangle of every pixel

Spaces: the model's own is cm (ICT's: x to the image's right, y up, z to the viewer); a `Head` lives in the model space
of its photo's camera (units of eye distances), so that `head.points`, projected by that camera, lies on the photo.
Expressions are (468, 3) model-space offsets as everywhere; `HeadModel.binding` (V, 468) carries them to the head.
The mouth and the two eyes are closed by fans to their loops' means (`HeadModel.loops`; the fans' hubs are the last
three vertices: mouth, right eye, left eye). `HeadModel.inner` holds eyeballs, teeth, gums and tongue, and the
mouth's socket in their neutral places (cm); `head.placed` takes them, or any cm, to the photo's model space.
"""

from app.engine.head.fit import fit_head
from app.engine.head.head import Head
from app.engine.head.model import HeadModel
from app.engine.head.raster import rasterised

__all__ = ["Head", "HeadModel", "fit_head", "rasterised"]
