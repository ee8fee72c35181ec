"""Serialises any River model to plain data (JSON types) and back, in place of pickle.

Reading runs no code of the data's choosing: objects are made empty and given their attributes, and only classes of
River, the containers and the random generator of the standard library, and arrays of NumPy are made at all. Objects
that are shared stay shared. A model comes back under the River release that wrote it;
`models.learning.schema.schema_of` names it.
"""

from __future__ import annotations

import base64
import importlib
import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, Final

import numpy as np
from river._river_rust.vectordict import VectorDict

from models.churn.snapshot import SnapshotRefused

Plain = Any

_FACTORIES: Final[dict[str, Any]] = {
    "float": float,
    "int": int,
    "dict": dict,
    "list": list,
    # Of River's confusion matrix and of its metrics' weights.
    "defaultdict of float": partial(defaultdict, float),
    "one": partial(int, 1),
}
_PACKAGE = "river."


def to_plain(thing: object) -> Plain:
    """Raises TypeError for what is neither River's nor plain."""
    writer = _Writer()
    plain = writer.write(thing)
    return {"parts": writer.parts, "plain": plain}


def from_plain(plain: Plain) -> Any:
    """Inverse of `to_plain`. Raises SnapshotRefused for what it has not written."""
    if not isinstance(plain, dict) or plain.keys() != {"parts", "plain"}:
        raise SnapshotRefused(f"not a River model as plain data: {plain!r:.100}")
    reader = _Reader()
    try:
        found = reader.read(plain["plain"])
    except SnapshotRefused:
        raise
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ImportError, RecursionError) as error:
        raise SnapshotRefused(f"not a River model as plain data: {type(error).__name__}: {error}") from error
    if reader.parts != plain["parts"]:
        raise SnapshotRefused(f"the model has {reader.parts} parts, {plain['parts']!r} were written")
    return found


class _Writer:
    def __init__(self) -> None:
        self._seen: dict[int, tuple[int, object]] = {}
        self.parts = 0

    def write(self, thing: Any) -> Plain:
        self.parts += 1
        if thing is None or isinstance(thing, bool | str):
            return thing
        if type(thing) in (int, float):
            return thing if math.isfinite(thing) else ["float", repr(thing)]
        if isinstance(thing, np.generic):
            return ["scalar", thing.dtype.str, base64.b64encode(thing.tobytes()).decode()]
        if isinstance(thing, tuple) and type(thing) is tuple:
            return ["tuple", *map(self.write, thing)]
        if type(thing) is frozenset:
            return ["frozenset", *map(self.write, sorted(thing, key=repr))]
        if isinstance(thing, type):
            return ["class", _named(thing)]
        known = self._seen.get(id(thing))
        if known is not None:
            return ["again", known[0]]
        number = len(self._seen)
        self._seen[id(thing)] = number, thing  # kept alive: an id must not be used twice
        return self._container(thing, number)

    def _container(self, thing: Any, number: int) -> Plain:
        kind = type(thing)
        if kind is list:
            return ["list", number, *map(self.write, thing)]
        if kind is set:
            return ["set", number, *map(self.write, sorted(thing, key=repr))]
        if kind is deque:
            return ["deque", number, thing.maxlen, *map(self.write, thing)]
        if kind is defaultdict:
            return ["defaultdict", number, self._factory(thing.default_factory), *self._pairs(thing)]
        if kind in (dict, Counter, OrderedDict):
            return [kind.__name__, number, *self._pairs(thing)]
        if kind is Random:
            return ["random", number, self.write(thing.getstate())]
        if kind is np.ndarray and thing.dtype != object:
            return ["array", number, thing.dtype.str, list(thing.shape), base64.b64encode(thing.tobytes()).decode()]
        if kind is VectorDict:
            return ["vector", number, *self._pairs(thing)]
        if not kind.__module__.startswith(_PACKAGE):
            raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not River's, and not plain")
        return self._object(thing, number)

    def _object(self, thing: Any, number: int) -> Plain:
        name = _named(type(thing))
        if _is_compiled(type(thing)):
            made_with = thing.__getnewargs__() if hasattr(thing, "__getnewargs__") else ()
            state = base64.b64encode(bytes(thing.__getstate__())).decode()
            return ["compiled", number, name, self.write(made_with), state]
        return ["object", number, name, *([key, self.write(value)] for key, value in _attributes(thing).items())]

    def _pairs(self, mapping: Any) -> list[Plain]:
        return [[self.write(key), self.write(value)] for key, value in mapping.items()]

    def _factory(self, factory: Any) -> Plain:
        if factory is None:
            return None
        for name, known in _FACTORIES.items():
            if factory is known or (
                isinstance(factory, partial)
                and isinstance(known, partial)
                and (factory.func, factory.args, factory.keywords) == (known.func, known.args, known.keywords)
            ):
                return name
        return self.write(factory)


class _Reader:
    def __init__(self) -> None:
        self._made: dict[int, Any] = {}
        self.parts = 0

    def read(self, plain: Plain) -> Any:
        self.parts += 1
        if not isinstance(plain, list):
            if plain is None or isinstance(plain, bool | str | int | float):
                return plain
            raise SnapshotRefused(f"{type(plain).__name__} is not plain data of a model")
        tag, *rest = plain
        if tag == "again":
            return self._made[rest[0]]
        if tag == "tuple":
            return tuple(map(self.read, rest))
        if tag == "frozenset":
            return frozenset(map(self.read, rest))
        if tag == "float":
            return float(rest[0])
        if tag == "scalar":
            return np.frombuffer(base64.b64decode(rest[1], validate=True), dtype=_dtype(rest[0]))[0]
        if tag == "class":
            return _class(rest[0])
        return self._container(tag, *rest)

    def _container(self, tag: str, number: int, *rest: Any) -> Any:
        maker = getattr(self, f"_{tag}", None)
        if maker is None or tag not in _TAGS:
            raise SnapshotRefused(f"{tag!r} is no part of a model's plain data")
        return maker(number, *rest)

    def _kept(self, number: int, thing: Any) -> Any:
        self._made[number] = thing
        return thing

    def _list(self, number: int, *items: Plain) -> Any:
        made = self._kept(number, [])
        made.extend(map(self.read, items))
        return made

    def _set(self, number: int, *items: Plain) -> Any:
        made = self._kept(number, set())
        made.update(map(self.read, items))
        return made

    def _deque(self, number: int, most: int | None, *items: Plain) -> Any:
        made = self._kept(number, deque(maxlen=most))
        made.extend(map(self.read, items))
        return made

    def _filled(self, made: Any, pairs: Any) -> Any:
        for key, value in pairs:
            made[self.read(key)] = self.read(value)
        return made

    def _dict(self, number: int, *pairs: Plain) -> Any:
        return self._filled(self._kept(number, {}), pairs)

    def _Counter(self, number: int, *pairs: Plain) -> Any:  # noqa: N802 - the class's name
        return self._filled(self._kept(number, Counter()), pairs)

    def _OrderedDict(self, number: int, *pairs: Plain) -> Any:  # noqa: N802 - the class's name
        return self._filled(self._kept(number, OrderedDict()), pairs)

    def _defaultdict(self, number: int, factory: Plain, *pairs: Plain) -> Any:
        made: Callable[[], Any] | None
        made = _FACTORIES[factory] if isinstance(factory, str) else None if factory is None else self.read(factory)
        return self._filled(self._kept(number, defaultdict(made)), pairs)

    def _random(self, number: int, state: Plain) -> Any:
        made = self._kept(number, Random())
        made.setstate(self.read(state))
        return made

    def _array(self, number: int, dtype: str, shape: list[int], text: str) -> Any:
        flat = np.frombuffer(base64.b64decode(text, validate=True), dtype=_dtype(dtype))
        return self._kept(number, flat.reshape(shape).copy())

    def _vector(self, number: int, *pairs: Plain) -> Any:
        return self._filled(self._kept(number, VectorDict({})), pairs)

    def _compiled(self, number: int, name: str, made_with: Plain, state: str) -> Any:
        cls = _class(name)
        if not _is_compiled(cls):
            raise SnapshotRefused(f"{name} has attributes of its own")
        made = self._kept(number, cls.__new__(cls, *self.read(made_with)))
        made.__setstate__(base64.b64decode(state, validate=True))
        return made

    def _object(self, number: int, name: str, *pairs: Plain) -> Any:
        cls = _class(name)
        if _is_compiled(cls):
            raise SnapshotRefused(f"{name} has no attributes of its own")
        made = self._kept(number, object.__new__(cls))
        for key, value in pairs:
            if not isinstance(key, str):
                raise SnapshotRefused(f"{key!r} is no attribute's name")
            object.__setattr__(made, key, self.read(value))
        return made


_TAGS: Final = frozenset(
    (
        "list",
        "set",
        "deque",
        "vector",
        "dict",
        "Counter",
        "OrderedDict",
        "defaultdict",
        "random",
        "array",
        "compiled",
        "object",
    )
)


def _dtype(name: str) -> np.dtype[Any]:
    dtype = np.dtype(name)
    if dtype.hasobject:
        raise SnapshotRefused(f"an array of {name} is not plain")
    return dtype


def _named(cls: type) -> str:
    name = f"{cls.__module__}:{cls.__qualname__}"
    if _class(name) is not cls:
        raise TypeError(f"{name} is not found under its own name")
    return name


def _class(name: str) -> type:
    module, _, path = name.partition(":")
    if not module.startswith(_PACKAGE):
        raise SnapshotRefused(f"{name!r} is no class of River")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    if not isinstance(found, type) or not found.__module__.startswith(_PACKAGE):
        raise SnapshotRefused(f"{name!r} is no class of River")
    return found


def _is_compiled(cls: type) -> bool:
    """Whether the class keeps its state where Python sees no attributes."""
    return cls.__module__.startswith("river._river_rust")


def _attributes(thing: Any) -> dict[str, Any]:
    found = dict(getattr(thing, "__dict__", {}))
    if type(thing).__module__.startswith("river.proba"):
        # A distribution's generator, which nobody seeds, is for drawing from it, which no model does: it is not part of
        # what was learned, and equal models must have equal snapshots.
        found |= {name: Random(0) for name, value in found.items() if isinstance(value, Random)}
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(thing, name):
                found[name] = getattr(thing, name)
    return found
