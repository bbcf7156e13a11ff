"""Routes tickets by keywords: the twin of sdk/rust/template, with the same settings and the same answers."""

import json
from typing import Any, List, Optional

from componentize_py_types import Err
from waypost import guarded
from wit_world import exports
from wit_world.exports.lifecycle import DataFile, Description, ServedHook, SettingsError
from wit_world.exports.routing import Assignment
from wit_world.imports import log
from wit_world.imports.types import Context, Decline_NoOpinion, Strength, Team, TextProposal, Ticket

# The host checks settings against this before `configure` sees them.
SETTINGS_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["rules"],
    "properties": {
        "rules": {
            "description": "The first rule whose keyword is in the ticket's text wins.",
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["keyword", "team"],
                "properties": {
                    "keyword": {
                        "description": "Text that the ticket must contain; capitals do not matter.",
                        "type": "string",
                    },
                    "team": {
                        "description": "The team that gets the ticket: its key, or `organization/key` for exactly that team.",
                        "type": "string",
                    },
                },
            },
        },
        "fallback": {
            "description": "The team for tickets without a keyword; none leaves them to the next policy.",
            "type": ["string", "null"],
        },
    },
}

settings: dict[str, Any] = {"rules": []}


@guarded
class Lifecycle(exports.Lifecycle):
    """Who this policy is, and its settings."""

    def describe(self) -> Description:
        return Description(
            name="example-router-py",
            version="0.1.0",
            author="The Waypost authors",
            summary="Routes tickets by keywords, and assigns whoever is on call when the team is closed",
            settings_schema=json.dumps(SETTINGS_SCHEMA),
            hooks=[ServedHook(hook="route", needs=["teams", "on-call"])],
        )

    def configure(self, text: str, data: List[DataFile], hooks: List[str]) -> None:
        global settings
        settings = json.loads(text)
        errors = []
        for place, rule in enumerate(settings["rules"]):
            rule["keyword"] = rule["keyword"].strip().lower()
            if not rule["keyword"]:
                errors.append(SettingsError(path=f"/rules/{place}/keyword", message="write a keyword"))
        # What is raised is the error of the WIT function's result.
        if errors:
            raise Err(errors)


@guarded
class Routing(exports.Routing):
    """The hooks of routing."""

    def route(self, ticket: Ticket, context: Context) -> Assignment:
        text = f"{ticket.head.short_description}\n{ticket.head.description}".lower()
        rule = next((rule for rule in settings["rules"] if rule["keyword"] in text), None)
        team = rule["team"] if rule else settings.get("fallback")
        if team is None:
            raise no_opinion("no keyword was found")
        if rule:
            log.log(log.Level.DEBUG, f"found {rule['keyword']}")
        # Each field that is proposed has a strength and a confidence of its own.
        assignment = Assignment(
            team=proposed(team, 100 if rule else 50),
            assignee=None,
            watchers=None,
            reasons=[f"the text contains “{rule['keyword']}”" if rule else "no keyword was found"],
        )
        known = find_team(context, team)
        if known and not known.open_now and known.on_call:
            assignment.assignee = proposed(known.on_call[0], 100)
            assignment.reasons.append("the team is closed, so the person on call gets it")
        return assignment


def proposed(value: str, confidence: int) -> TextProposal:
    """A value that the host applies."""
    return TextProposal(value=value, strength=Strength.SET, confidence=confidence)


def find_team(context: Context, name: str) -> Optional[Team]:
    """The team that a name means, as the host resolves it.

    `acme/network` is exactly that team; a bare key is looked up in the layer of the binding, then above it, never below.
    """
    teams = context.teams or []
    organization, slash, key = name.partition("/")
    if slash:
        return next((team for team in teams if (team.organization, team.key) == (organization, key)), None)
    for organization in context.lineage[context.lineage.index(context.layer):]:
        found = next((team for team in teams if (team.organization, team.key) == (organization, name)), None)
        if found is not None:
            return found
    return None


def no_opinion(reason: str) -> Err:
    """The error of a hook that has nothing to say."""
    return Err(Decline_NoOpinion([reason]))
