"""`mien models` lists, fetches and imports checkpoints: our own and those of the papers' authors."""

from __future__ import annotations

import argparse
import time
from collections.abc import Generator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands import Subparsers, add_json, command, print_json, run_to_end, say
from app.engine.errors import EngineError

if TYPE_CHECKING:
    from app.engine.checkpoints.catalogue import Offer
    from app.engine.checkpoints.store import Model
    from app.engine.contract import Learnt, Step


# Time between two lines of progress: a slow connection prints few lines, and a quick one still shows that it
# moves.
SAY_EVERY_S = 2.0


def add(subparsers: Subparsers) -> None:
    parser = command(subparsers, "models", "import, list, verify and remove networks' weights")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = command(actions, "list", "list the models there are, and the generators that miss theirs")
    listing.set_defaults(run=run_list)

    importing = command(
        actions, "import", "import a checkpoint, recognised by its keys, or the folder of LivePortrait's five"
    )
    file = "a checkpoint, or a folder with LivePortrait's"
    importing.add_argument("file", type=Path, metavar="FILE_OR_FOLDER", help=file)
    importing.add_argument("--name", help="what to call it (default: its kind)")
    importing.set_defaults(run=run_import)

    getting = command(actions, "get", "fetch a model over the network, where its licence allows that")
    getting.add_argument("name", nargs="?", help="default: say what can be fetched")
    getting.add_argument("--from", dest="place", metavar="URL", help="a mirror's folder with the same files")
    getting.set_defaults(run=run_get)

    learning = command(actions, "learn", "let a generator learn what it needs on this machine, once")
    learning.add_argument("generator", help="such as live-portrait")
    learning.set_defaults(run=run_learn)

    face = command(actions, "face", "use another 3D face model: ICT-FaceKit, FLAME, Basel, LSFM")
    face.add_argument("file", type=Path, nargs="?", help="the model's file")
    face.add_argument("--own", action="store_true", help="go back to Mien's own")
    face.set_defaults(run=run_face)

    verify = command(actions, "verify", "check that weights are still those that were imported")
    verify.add_argument("name", nargs="*", help="models (default: all)")
    verify.set_defaults(run=run_verify)

    remove = command(actions, "remove", "remove an imported model")
    remove.add_argument("name", help="a model, as “mien models list” names it")
    remove.set_defaults(run=run_remove)

    running = command(actions, "run", "run a network in float32 on raw tensors")
    running.add_argument("name", help="a model, as “mien models list” names it")
    running.add_argument("inputs", type=Path, metavar="INPUTS.npz", help="its inputs by name")
    out = "where its outputs are written"
    running.add_argument("-o", "--output", type=Path, required=True, metavar="OUTPUTS.npz", help=out)
    running.set_defaults(run=run_network_on_file)

    for action in (listing, importing, getting, learning, face, verify, remove, running):
        add_json(action)


def described(model: Model) -> str:
    """Return sentences that say what the model is and what it may be used for."""
    words = (f"{model.name}: {model.title}", f"Licence: {model.licence}", model.use)
    return " ".join(f"{sentence.rstrip('.')}." for sentence in words)


def as_json(model: Model) -> dict[str, Any]:
    return asdict(model)


def run_list(args: argparse.Namespace) -> None:
    from app.engine.checkpoints.store import models
    from app.engine.engine import Engine
    from app.engine.measuring.needs import missing_metrics

    generators = Engine().generators()
    missing = {info.name: info.missing for info in generators if info.missing}
    notes = {info.name: str(info.note) for info in generators if info.note}
    learnt = {info.name: info.learnt for info in generators if info.learnt}
    if args.json:
        known = {name: asdict(value) for name, value in learnt.items()}
        rest = {"missing": missing, "notes": notes, "learnt": known, "metrics": missing_metrics()}
        print_json({"models": [as_json(m) for m in models()], **rest})
        return
    for model in models():
        print(described(model))
    for name, what in missing.items():
        print(f"{name} cannot run yet: {what}")
    for name, note in (notes | {name: in_words(value) for name, value in learnt.items()}).items():
        print(f"{name}: {note}")
    for metric, what in missing_metrics().items():
        print(f"metric {metric} is not measured: import {what}")


def run_import(args: argparse.Namespace) -> None:
    from app.engine.checkpoints.store import import_model

    report_import(import_model(args.file, args.name), args)


def report_import(model: Model, args: argparse.Namespace) -> None:
    """Say which model was imported, and let its generator learn what it needs to know of it."""
    if args.json:
        print_json({"name": model.name, "kind": model.kind})
    else:
        print(f"Imported {described(model)}")
    if model.kind == "live-portrait" and (generator := unlearnt(model.name)):
        say(
            "Learning what its points mean, which takes minutes (Ctrl+C leaves it for later: mien models learn)."
        )
        learn(generator)


def run_get(args: argparse.Namespace) -> None:
    from app.engine.checkpoints.catalogue import OFFERS, mirrored, offer_named
    from app.engine.fetching import fetch

    if args.name is None:
        if args.json:
            print_json({"offers": [{**asdict(offer), "bytes": offer.size} for offer in OFFERS]})
        for offer in OFFERS if not args.json else ():
            print(offer_in_words(offer))
        return
    offer = offer_named(args.name)
    offer = mirrored(offer, args.place) if args.place else offer
    say(offer_in_words(offer))
    report_import(run_download(fetch(offer)), args)


def offer_in_words(offer: Offer) -> str:
    """Return a text that says what would be fetched, from where, how large it is and what it may be used for."""
    return f"{offer.name}: {offer.title}. {offer.size / 1e6:.0f} MB from {offer.page}. {offer.licence}. {offer.use}"


def run_download(steps: Generator[Step, None, Model]) -> Model:
    """Run the steps to the end, print their progress every few seconds, and return the model."""
    last, said = 0.0, ""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            model: Model = end.value
            return model
        if time.monotonic() - last > SAY_EVERY_S and step.message != said:
            last, said = time.monotonic(), step.message
            say(step.message)


def unlearnt(name: str) -> str | None:
    """Return the generator that draws with this model if it has not yet learnt what it needs, else None."""
    from app.engine.engine import Engine

    for info in Engine().generators():
        if info.learns and not info.learnt and name in info.weights:
            return info.name
    return None


def learn(generator: str) -> Learnt | None:
    """Learn, print the progress, and return what was learnt."""
    from app.engine.engine import Engine

    engine = Engine()
    try:
        run_to_end(engine.learning(generator))
        return next(info.learnt for info in engine.generators() if info.name == generator)
    finally:
        engine.close()


def run_learn(args: argparse.Namespace) -> None:
    learnt = learn(args.generator)
    if args.json:
        print_json({"generator": args.generator, "learnt": asdict(learnt) if learnt else None})
    elif learnt is not None:
        print(in_words(learnt))


def in_words(learnt: Learnt) -> str:
    """Return in words what was learnt, and how well."""

    def said(value: float | None) -> str:
        return "nothing" if value is None else f"{value:.2g}"

    readings = ", ".join(
        f"{name} {asked:g} as {said(read)}, then {said(corrected)}"
        for name, asked, read, corrected in learnt.readings
    )
    error = (
        "" if learnt.error is None else f" What is left is {learnt.error:.0%} of what is asked on average."
    )
    return (
        f"Expressions learnt from {learnt.pictures} pictures; the map explains {learnt.explained:.0%} of how the "
        f"points move. A fresh fit of its pictures read, before and after that was made up for: {readings}.{error}"
    )


def run_face(args: argparse.Namespace) -> None:
    from app.engine.face.importing import use_face_model

    if (args.file is None) != args.own:
        raise EngineError("It is not clear which face model to use.", "Name one file, or give --own.")
    model = use_face_model(args.file)
    identity, expression = len(model.identity_basis), len(model.expression_basis)
    if args.json:
        print_json({"identity": identity, "expression": expression})
    else:
        print(f"Face model: {identity} identity and {expression} expression components.")


def run_verify(args: argparse.Namespace) -> None:
    from app.engine.checkpoints.store import models, verify_model

    verified = [verify_model(name) for name in (args.name or [model.name for model in models()])]
    if args.json:
        print_json({"verified": [model.name for model in verified]})
    for model in verified if not args.json else ():
        print(f"{model.name}: unchanged since it was imported")


def run_remove(args: argparse.Namespace) -> None:
    from app.engine.checkpoints.store import remove_model

    model = remove_model(args.name)
    if args.json:
        print_json({"removed": model.name})
    else:
        print(f"Removed {model.name}")


def run_network_on_file(args: argparse.Namespace) -> None:
    from app.engine.checkpoints.running import run_network

    names = run_network(args.name, args.inputs, args.output)
    if args.json:
        print_json({"outputs": list(names)})
    else:
        print(f"Wrote {args.output}: {', '.join(names)}")
