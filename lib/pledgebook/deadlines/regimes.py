"""All regimes together: which are known, and which rule speaks of a request or an incident."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from pledgebook.deadlines.rules import Regime, RequestKind, Role, Rule
from pledgebook.errors import InputError

REQUEST_KINDS: tuple[str, ...] = get_args(RequestKind)


@dataclass(frozen=True, repr=False)
class Regimes:
    """The regimes, in the order of their files."""

    laws: tuple[Regime, ...]

    def __repr__(self) -> str:
        return f"Regimes({', '.join(self.names)})"

    @cached_property
    def by_id(self) -> Mapping[str, Regime]:
        """The regimes by id (GDPR, CCPA, CAN_SPAM, ...)."""
        return {law.id: law for law in self.laws}

    @property
    def names(self) -> tuple[str, ...]:
        """Every regime's id, sorted."""
        return tuple(sorted(self.by_id))

    @cached_property
    def request_regimes(self) -> frozenset[str]:
        """The regimes with a rule for some kind of request: what a request's regime may be."""
        return frozenset(law.id for law in self.laws if any(rule.kinds for rule in law.rules))

    @cached_property
    def marketing_regimes(self) -> frozenset[str]:
        """The regimes that speak of a refusal of marketing: what a marketing regime may be."""
        return frozenset(law.id for law in self.laws if any(rule.role == "marketing" for rule in law.rules))

    def only(self, names: Collection[str | None]) -> Regimes:
        """Return the regimes that are named: tables of days are made for no others."""
        return Regimes(tuple(law for law in self.laws if law.id in names))

    def channels_of(self, regime: str) -> frozenset[str]:
        """Return the channels of marketing that a regime speaks of; empty for one that speaks of none."""
        rules = self.regime(regime).rules
        return frozenset(channel for rule in rules if rule.role == "marketing" for channel in rule.channels)

    def regime(self, name: str) -> Regime:
        """Return one regime; raise InputError that names it and the known ones when there is none."""
        if name in self.by_id:
            return self.by_id[name]
        raise InputError(f"regime '{name[:40]}': not known. Give one of: {', '.join(self.names)}.")

    def rule_for(self, regime: str, name: str, day: date) -> Rule | None:
        """Return the rule in force on `day` for a request kind or a word of the law.

        None where the regime has nothing in force for one of our kinds. Raises InputError for a regime that
        is not known, and for a word that is neither one of our kinds nor one of the regime's.
        """
        law, word = self.regime(regime), name.strip().lower().replace("-", "_").replace(" ", "_")
        rule = law.rule_named(word, day)
        if rule is None and word not in REQUEST_KINDS:
            known = sorted({word for rule in law.rules if rule.is_valid_on(day) for word in rule.words})
            raise InputError(
                f"regime {regime}, kind '{name[:40]}': no rule of {day} is called so. "
                f"Give one of our kinds ({', '.join(REQUEST_KINDS)}) "
                f"or one of the regime's words ({', '.join(known)})."
            )
        return rule

    def rule_of_role(self, regime: str, role: Role, day: date) -> Rule | None:
        """Return the first rule of a role (marketing, incident_final) in force on `day`; None without one."""
        rules = self.regime(regime).rules
        return next((rule for rule in rules if rule.role == role and rule.is_valid_on(day)), None)

    def unverified(self) -> frozenset[str]:
        """Return the ids of the rules that rest in part on no primary text (confidence S or G)."""
        rules = (rule for regime in self.by_id.values() for rule in regime.rules)
        return frozenset(rule.id for rule in rules if {"S", "G"} & set(rule.confidence))


def read_regimes(folder: str | Path) -> Regimes:
    """Return the regimes of a folder of TOML files, one file a regime.

    Raises InputError with file, key and remedy; also for a folder without files, and a regime or rule id
    given twice.
    """
    files = sorted(Path(folder).glob("*.toml"))
    if not files:
        raise InputError(f"{folder}: no regimes are there. Give the folder that holds gdpr.toml, ccpa.toml and so on.")
    laws = tuple(read_regime(file) for file in files)
    owner: dict[str, Path] = {}
    for file, law in zip(files, laws, strict=True):
        for name in {law.id, *(rule.id for rule in law.rules)}:
            if name in owner:
                raise InputError(f"{file}: id '{name}' stands in {owner[name].name} too. Rename one of them.")
            owner[name] = file
    return Regimes(laws)


@lru_cache(maxsize=64)
def _regime_of(text: str) -> Regime:
    """Laws are read anew with every book, and seldom change between two of them."""
    return Regime.model_validate(_merged(tomllib.loads(text)))


def read_regime(path: str | Path) -> Regime:
    """Return the regime of one TOML file: `[regime]`, `[defaults]` of all its rules, and `[[rule]]` tables.

    Raises InputError with file, key and remedy.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        return _regime_of(text)
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"{file}: cannot be read ({fault}). Give a TOML file in UTF-8.") from None
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{file}: not valid TOML: {fault}. Mend that line.") from None
    except TypeError:
        raise InputError(f"{file}: has no [regime], [defaults] and [[rule]] tables. Add them.") from None
    except ValidationError as fault:
        raise InputError("\n".join(_fault_lines(file, tomllib.loads(text), fault))) from None


def _merged(document: dict[str, Any]) -> dict[str, Any]:
    others = {key: value for key, value in document.items() if key not in ("regime", "defaults", "rule")}
    rules = [document.get("defaults", {}) | rule for rule in document.get("rule", [])]
    return {**document.get("regime", {}), **others, "rules": rules}


def _fault_lines(file: Path, document: dict[str, Any], fault: ValidationError) -> list[str]:
    lines = []
    for error in fault.errors()[:5]:
        keys, place = list(error["loc"]), "[regime]"
        if len(keys) > 1 and keys[0] == "rules" and isinstance(keys[1], int):
            place, keys = f"rule '{document['rule'][keys[1]].get('id', keys[1] + 1)}'", keys[2:]
        key = f", key '{'.'.join(map(str, keys))}'" if keys else ""
        remedy = "Remove it or correct its name" if error["type"] == "extra_forbidden" else "Correct it"
        what = error["msg"].removeprefix("Value error, ")
        lines.append(f"{file}: {place}{key}: {what}. {remedy}.")
    return lines
