"""Fills what a photo never shows of a head: skin and hair are each continued by themselves, with a hairline between.

Skin keeps the light that it has where the photo's skin ends; it is shaded where ears and jaw keep light away, and by
the relief of the ears. Hair keeps the colour that it has at each height. Where the photo shows whether a place is skin
or hair, the hairline follows the photo; elsewhere it is the hairline that most short-haired people have.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from app.engine.head.beard import BEARD_GUESSED, BEARD_KEPT, beard_region, beard_seen
from app.engine.head.hair_colour import TOLD, apart, towards_hair
from app.engine.head.hairline import inside_hairline
from app.engine.head.light import light_on, lit
from app.engine.head.model import FloatArray, HeadModel
from app.engine.head.skull import smoothstep
from app.engine.imaging.colour import LUMINANCE

# These values were chosen by eye on sheets of turned heads (tools/head_sheets.py), except where a comment names
# another origin. cm are those of the head model. A pair of values is a range: at the first value something begins, at
# the second it is complete.

HAIRLINE_WIDTH = 1.2  # cm over which the template's hairline goes from skin to hair
# The line below which the neck begins: a point (z, y) of it in cm, and its slope in cm of height by cm of depth.
JAW = ((1.0, -2.2), -0.68)
# Share of light that a neck lacks against the cheeks: the value where a photo shows too little of the neck to measure
# it, and the least and the greatest value that is believed. Half of 32 portraits have 0.15 to 0.4.
UNDER_JAW, UNDER_JAW_RANGE = 0.22, (0.08, 0.36)
JAW_EDGE = (-0.4, 1.6)  # cm below the jaw's line: no shade to the neck's whole shade
# The neck's shade is measured where at least this many vertices of the neck, and this share of its visible ones, are
# bare skin.
NECK_SEEN = (50, 0.3)
SAME_HUE = 0.12  # difference of colour, in parts of the skin's, up to which a neck counts as bare
# Least number of an ear's vertices that the photo shows, by which a made-up part of it is coloured, and the least and
# greatest factor of that for its brightness, and for red, green and blue against that; and the percentile of the
# photo's colours up to which a made-up part is as bright.
EAR_SEEN, EAR_RANGE, EAR_HUE, EAR_BRIGHTEST = 30, (0.6, 1.5), (0.88, 1.12), 75
# cm from an ear over which a colour begins to tell hair from skin, above and behind it: nearer it is the ear's, too, so
# that a wedge of skin stood in the hair above an ear.
OFF_EAR, BEFORE_EAR = (0.2, 1.5), (1.5, 2.5)
RELIEF = (0.1, 0.35)  # cm by which a vertex lies off the membrane under an ear: head to ear
# The same for the part of that across the membrane, cm; for the cosine of both normals; and for the light that reaches
# a vertex: one of them makes an ear.
RISEN, TILTED, IN_HOLLOW = (0.08, 0.18), (0.99, 0.95), (0.85, 0.7)
SKIN_ENDS = (1.5, 3.5)  # cm from the face's landmarks: the face's skin to none
GRAZING = (0.06, 0.22)  # cosine between normal and view: hair and skin look alike to distinguishable
# The same cosine, for the skin's colours: unused to used. Near the outline skin mixes with what is behind the head.
FACING = (0.12, 0.35)
# The same for the hair's colours: hair is darker along the outline than on the crown behind it.
HAIR_FACING = (0.25, 0.5)
# Place of a colour on the way from the skin's (0) to the hair's (1): skin to not skin. At 0.35, dark hair takes away
# half of the skin's light.
LIKE_HAIR = (0.15, 0.4)
# Place of a colour on the way from the skin's (0) to the hair's (1): not continued as hair's to continued. Skin at a
# hairline that the photo's does not meet made white and grey hair brown (p05, p29). Hair over the ears leaves no such
# skin, and may be as light as skin (p27).
OF_HAIR = (0.4, 0.75)
LIKE_STEPS = 6  # smoothing steps over the mesh, so that highlights count as the hair around them
APART = 40.0  # levels of 255 between hair and skin from which the photo's own hairline is believed
# Distance of a colour from all mixtures of skin and hair, in parts of the distance between these: believed to not. A
# hat may be lighter than both.
NEITHER = (0.4, 0.8)
NECK = (-7.5, -5.5)  # cm of height: no hair to hair; lower down a collar would be taken for hair
KEPT = 1.0  # weight of the hairline that the photo shows, against smoothness
GUESSED = 0.15  # weight of the template's hairline, against smoothness
SKIN = 0.5  # weight of the visible skin's colours, against smoothness
HAIR = 0.5  # weight of visible hair's colours, against smoothness
PRIOR = 0.004  # weight of the colour that hair has at the same height, against smoothness
DARKEST = 0.4  # least share of light that reaches a place: inside an ear, skin throws some light back
# cm from the face's landmarks: no shade to the whole shade. Nearer places are visible, or lie in mouth and nostrils.
BESIDE = (0.3, 1.0)
SHADE = 1.0  # power of the share of light that reaches a place past the rest of the head
LIT_RANGE = (0.75, 1.15)  # least and greatest light on an ear over that on the head beneath it
# cm below the jaw's line over which made-up skin and beard begin to be joined to what the photo shows beside them, jaw
# and throat. Without it a strip of plain, shaded skin lay between a bearded jaw and a bearded throat (p03, p07, p13,
# p17). Above, the shade along a face's outline would be carried on over its side.
JOINED = (-2.5, -0.5)
LOWER = -1.5  # cm of height: colours of lower places count for that
BEARDED = (-1.0, 1.0)  # cm of depth over which hair below the ears begins to be beard
JOIN_WEIGHT, JOIN_FADES = 0.5, 0.004  # weights of the photo's colours, and of no change, against smoothness
JOIN_RANGE = (0.3, 3.0)  # times as bright as made up before, in each colour, at least and at most
# Powers of the shade for red, green and blue. Light that went through an ear is red; between jaw and neck it is only
# thrown from skin to skin. With the ear's powers, throats became brick red (the sample, p13 and p09 of the portraits,
# turned by 18 degrees or more).
EAR_REDDER, REDDER = np.array([0.75, 1.1, 1.2]), np.array([0.92, 1.03, 1.06])


@dataclass(frozen=True, eq=False)
class Fill:
    """The fill of one head.

    skin, hair: (V, 3) colours in [0, 255] that each vertex has as skin and as hair; hairline: (V,) from 0 on skin to
    1 in hair, 0.5 on the line between; like: (V,) 0 where the photo's colour is the skin's rather than the hair's.
    """

    skin: FloatArray
    hair: FloatArray
    hairline: FloatArray
    like: FloatArray


@cache
def relief() -> FloatArray:
    """Return (V,) 1 on an ear, 0 on the head beside it.

    The membrane under an ear draws the head's skin beside it along: what lies flat on it in the open is no ear.
    """
    model = HeadModel.load()
    bare = model.without_ears(model.points)
    away, along = model.points - bare, model.normals(bare)
    risen = smoothstep(*RISEN, np.abs((away * along).sum(axis=1)))
    tilted = smoothstep(*TILTED, (model.normals(model.points) * along).sum(axis=1))
    hollow = smoothstep(*IN_HOLLOW, model.openness)
    own = np.maximum(np.maximum(risen, tilted), hollow)
    return np.asarray(smoothstep(*RELIEF, np.linalg.norm(away, axis=1)) * own)


@cache
def _under_jaw() -> FloatArray:
    """Return (V,) 1 on the neck, which lies in the jaw's shade."""
    return smoothstep(*JAW_EDGE, below_jaw())


@cache
def below_jaw() -> FloatArray:
    """Return (V,) cm by which a vertex lies below the line of the jaw, less than 0 above it."""
    _, y, z = HeadModel.load().points.T
    (at, height), slope = JAW
    return np.asarray(height + slope * (z - at) - y)


def _neck_shade(model: HeadModel, colours: FloatArray, sure: FloatArray) -> float:
    """Return the share of light, 0 to 1, that the neck lacks against the cheeks.

    It is measured where the photo shows both, else it is UNDER_JAW. colours: (V, 3) in [0, 255]; sure: (V,) 1 where
    they are known.
    """
    x, y, _ = model.points.T
    cheeks = (sure > 0.5) & (model.distance < 1) & (np.abs(x) > 2) & (y > -4) & (y < 1.5)
    neck = (sure > 0.3) & (_under_jaw() > 0.6) & (model.distance > 0.8)
    if not cheeks.any() or not neck.any():
        return UNDER_JAW
    skin = np.median(colours[cheeks], axis=0)
    share = colours[neck] @ LUMINANCE / max(float(skin @ LUMINANCE), 1.0)
    hue = np.abs(colours[neck] / np.maximum(share, 0.05)[:, None] - skin).sum(axis=1) / max(skin.sum(), 1.0)
    bare = (hue < SAME_HUE) & (share > 0.4) & (share < 1.15)
    if bare.sum() < max(NECK_SEEN[0], NECK_SEEN[1] * len(bare)):
        return UNDER_JAW
    return float(np.clip(1 - np.median(share[bare]), *UNDER_JAW_RANGE))


@cache
def template_hairline(ears: bool) -> FloatArray:
    """Return the template's hairline (V,): 0 on skin to 1 in hair, 0.5 on the line; ears: whether ears are visible."""
    return np.asarray(np.clip(0.5 + inside_hairline(ears) / HAIRLINE_WIDTH, 0, 1) * (1 - ears * relief()))


@cache
def face_skin(ears: bool) -> FloatArray:
    """Return (V,) 1 on the face outside the template's hairline, 0 off it; ears: of `template_hairline`."""
    model = HeadModel.load()
    near = model.face * smoothstep(*SKIN_ENDS[::-1], model.distance)
    return np.asarray(near * (template_hairline(ears) < 0.5) * ~model.ear)


def filled(
    model: HeadModel,
    normals: FloatArray,
    smooth: FloatArray,
    shown: FloatArray,
    colours: FloatArray,
    hair: FloatArray | None,
    ears: bool,
    mirrored: tuple[FloatArray, FloatArray] | None = None,
) -> Fill:
    """Return the fill of a head.

    normals, smooth: (V, 3) of the head with and without its ears, in pixels' axes; shown: (V,) 1 where the photo
    shows the person; colours: (V, 3) the photo's low-pass colours in [0, 255]; hair: (V, 3) the hair's colour at the
    height of every vertex, or None where it is unknown; ears: whether ears are visible; mirrored: (V, 3) colours in
    [0, 255] of the other side in this side's light, and (V,) how much of them is drawn.
    """
    sure = shown * smoothstep(*GRAZING, normals[:, 2])
    face = np.exp(-((model.distance / 2.5) ** 2)) * model.face
    shade = _shade(model, normals, smooth, colours, sure, face, ears)
    dark = shade[:, None] ** (REDDER + ears * relief()[:, None] * (EAR_REDDER - REDDER))
    credible = shown * smoothstep(*FACING, normals[:, 2]) * face * (template_hairline(ears) < 0.3)
    credible = _unlike_hair(credible * (model.openness > 0.9) * (1 - _under_jaw()), colours, hair)
    bearded, beard = beard_seen(model, colours, sure)
    known, bare = colours, credible * (1 - bearded * beard)
    if mirrored:
        known, bare = _with_mirrored(colours, bare, mirrored[0], mirrored[1] * bare[model.mirror])
    skin = dark * _continued(model, known / dark, SKIN * bare)
    if ears:
        skin = _like_ears(model, skin, colours, shown * smoothstep(*FACING, normals[:, 2]), hair)
    below = shown * smoothstep(*FACING, normals[:, 2]) * (model.points[:, 1] < LOWER) * ~model.ear
    if hair is None:
        skin = _joined(model, skin, colours, below)
        return Fill(skin, skin, np.zeros(len(skin)), np.zeros(len(skin)))
    line = _hairline(model, sure, colours, skin, hair, ears)
    if bearded > 0:
        line = np.maximum(line, bearded * _beard_line(model, sure, beard))
    own = smoothstep(0.6, 0.9, line) * shown * smoothstep(*HAIR_FACING, normals[:, 2])
    like = _like_hair(credible, colours, hair, bearded) if ears else np.ones(len(line))
    own = own * like
    for _ in range(LIKE_STEPS):
        like = model.averaging @ like
    turned, known = smoothstep(0.6, 0.9, line) * smoothstep(*HAIR_FACING, normals[model.mirror, 2]), colours
    if mirrored:
        known, own = _with_mirrored(colours, own, mirrored[0], mirrored[1] * turned)
    strands = _strands(model, known, hair, own) * (0.5 + 0.5 * shade)[:, None]
    # Hair on the nape keeps its own colour beside the skin of the neck; a beard may have any.
    strands = _joined(model, strands, colours, below * smoothstep(*BEARDED, model.points[:, 2]))
    return Fill(_joined(model, skin, colours, below * smoothstep(0.6, 0.4, line)), strands, line, like)


def _like_hair(credible: FloatArray, colours: FloatArray, hair: FloatArray, bearded: float) -> FloatArray:
    """Return (V,) 1 where the photo has the hair's colour (V, 3), or a beard's region.

    A beard may have another colour than the hair: a sideburn of stubble became black feathers (p04).
    """
    return np.asarray(np.maximum(_of_hair(credible, colours, hair), bearded * beard_region()))


def _shade(
    model: HeadModel,
    normals: FloatArray,
    smooth: FloatArray,
    colours: FloatArray,
    sure: FloatArray,
    face: FloatArray,
    ears: bool,
) -> FloatArray:
    """Return (V,) the share of light that ears and jaw leave, with the ears' relief; face: (V,) 1 on the face, fading
    beside it; the other arguments are those of `filled`.
    """
    light = light_on(normals, colours @ LUMINANCE / 255, sure * face)
    ear = np.clip(lit(light, normals) / lit(light, smooth), *LIT_RANGE)
    reached = np.maximum(model.openness, DARKEST) ** SHADE
    beside = smoothstep(*BESIDE, model.distance) if ears else np.zeros(len(sure))
    return np.asarray(
        (1 - beside * (1 - reached))
        * (1 + ears * relief() * (ear - 1))
        * (1 - _neck_shade(model, colours, sure) * _under_jaw())
    )


def _beard_line(model: HeadModel, sure: FloatArray, beard: FloatArray) -> FloatArray:
    """Return (V,) 1 where a beard grows, continued from where the photo shows it (V,), sure: (V,) how surely."""
    weight = BEARD_KEPT * sure * beard_region() + BEARD_GUESSED
    known = BEARD_KEPT * sure * beard_region() * beard + BEARD_GUESSED * beard_region()
    return _continued(model, known / weight, weight)


def _strands(model: HeadModel, colours: FloatArray, hair: FloatArray, own: FloatArray) -> FloatArray:
    """Return (V, 3) hair's colours, continued from where the photo (V, 3) shows it and the prior's (V, 3) elsewhere;
    own: (V,) how surely the photo shows hair.
    """
    own = own * smoothstep(*NECK, model.points[:, 1])
    weight = HAIR * own + PRIOR * (1 - own)
    known = HAIR * own[:, None] * colours + (PRIOR * (1 - own))[:, None] * hair
    return _continued(model, known / weight[:, None], weight)


def _with_mirrored(
    colours: FloatArray, own: FloatArray, other: FloatArray, share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the known colours of skin or hair (V, 3) and how surely they are known (V,), with those that are mirrored.

    What is mirrored is in this side's light, in which what is made up beside it is, too: made of the well-lit side's
    skin alone, it was a pale line over a cheek in the shade (p34). own: (V,) how surely the photo's colours (V, 3) are
    skin's or hair's; other: (V, 3) the other side's, known by share (V,).
    """
    share = share * (1 - own)
    both = own + share
    mixed = (own[:, None] * colours + share[:, None] * other) / np.maximum(both, 1e-9)[:, None]
    return np.where(share[:, None] > 0, mixed, colours), both


def _joined(model: HeadModel, made: FloatArray, colours: FloatArray, seen: FloatArray) -> FloatArray:
    """Return made-up colours (V, 3) that are the photo's (V, 3) where jaw and throat are seen (V,), and go over to
    their own further off and above the jaw.
    """
    apart = np.log(np.clip((colours + 1) / (made + 1), *JOIN_RANGE))
    weight = JOIN_WEIGHT * seen
    change = _continued(model, apart * (weight / (weight + JOIN_FADES))[:, None], weight + JOIN_FADES)
    return np.asarray((made + 1) * np.exp(smoothstep(*JOINED, below_jaw())[:, None] * change) - 1)


def _like_ears(
    model: HeadModel, made: FloatArray, colours: FloatArray, seen: FloatArray, hair: FloatArray | None
) -> FloatArray:
    """Return made-up colours (V, 3) that on each ear are as bright and as red as what the photo (V, 3) shows of it, and
    no brighter than most of that.

    seen: (V,) how well it shows a place; hair: (V, 3) or None.
    """
    ear, out = relief(), made.copy()
    sure = _unlike_hair(seen * ear, colours, hair) > 0.5
    for side in (-1, 1):
        half = np.sign(model.points[:, 0]) == side
        own = sure & half
        if own.sum() < EAR_SEEN:
            continue
        factor = np.median((colours[own] + 1) / (made[own] + 1), axis=0)
        bright = float(np.clip(factor @ LUMINANCE, *EAR_RANGE))
        like = made[half] * bright * np.clip(factor / (factor @ LUMINANCE), *EAR_HUE)
        like = np.minimum(like, np.percentile(colours[own], EAR_BRIGHTEST, axis=0))
        out[half] += ear[half, None] * (like - made[half])
    return out


def _unlike_hair(credible: FloatArray, colours: FloatArray, hair: FloatArray | None) -> FloatArray:
    """Return (V,) how credible colours (V, 3) are as skin, lowered where a colour is nearer to hair (V, 3) than most
    of the skin's colours are.
    """
    middle = credible > 0.5
    if hair is None or not middle.any():
        return credible
    like = towards_hair(colours, np.median(colours[middle], axis=0), hair)
    return np.asarray(credible * (1 - smoothstep(*LIKE_HAIR, like)))


def _of_hair(credible: FloatArray, colours: FloatArray, hair: FloatArray) -> FloatArray:
    """Return (V,) 0 where a colour (V, 3) is nearer to most of the skin's than to the hair's (V, 3), else 1; credible:
    (V,) how credible the colours are as skin.
    """
    middle = credible > 0.5
    if not middle.any():
        return np.ones(len(colours))
    skin = np.median(colours[middle], axis=0)
    told = smoothstep(*TOLD, apart(skin, hair))
    return np.asarray(1 - told * (1 - smoothstep(*OF_HAIR, towards_hair(colours, skin, hair))))


def _hairline(
    model: HeadModel, sure: FloatArray, colours: FloatArray, skin: FloatArray, hair: FloatArray, ears: bool
) -> FloatArray:
    """Return the hairline's field (V,): the photo's line where that is clear, continued into the template's line."""
    across = hair - skin
    length = np.linalg.norm(across, axis=1)
    seen = np.clip(((colours - skin) * across).sum(axis=1) / np.maximum(length, 1.0) ** 2, 0, 1)
    ear = ears * relief()
    credible = (
        sure * smoothstep(0.4 * APART, APART, length) * (1 - ear) * smoothstep(0.2, 1.5, model.distance)
    )
    if ears:
        before = smoothstep(*BEFORE_EAR, model.points[:, 2])
        credible = credible * np.maximum(before, smoothstep(*OFF_EAR, model.off_ears))
    neither = np.linalg.norm(colours - skin - seen[:, None] * across, axis=1) / np.maximum(length, 1.0)
    credible = credible * smoothstep(*NECK, model.points[:, 1]) * (1 - smoothstep(*NEITHER, neither))
    guess = template_hairline(ears)
    weight = KEPT * credible + GUESSED
    line = _continued(
        model, (KEPT * credible * smoothstep(0.25, 0.75, seen) + GUESSED * guess) / weight, weight
    )
    return np.asarray(line * (1 - ear))


def _continued(model: HeadModel, values: FloatArray, weight: FloatArray) -> FloatArray:
    """Return values (V,) or (V, C) that keep to the given ones where their weight (V,) is large, and continue these
    smoothly where it is small.
    """
    weight = weight + 1e-7
    solver = splu((model.laplacian + diags(weight)).tocsc())
    right = values * weight if values.ndim == 1 else values * weight[:, None]
    return np.asarray(solver.solve(right))
