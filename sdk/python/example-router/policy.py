"""Routes tickets by keywords: the twin of sdk/rust/template, with the same settings and the same answers."""

import json
from typing import Any, List, Optional

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.lifecycle import DataFile, Description, Hook, ServedHook, SettingsError
from wit_world.exports.routing import Assignment, Clocks, Escalation
from wit_world.imports import log
from wit_world.imports.types import Context, Decline_NoOpinion, Need, Strength, Ticket

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
                        "description": "Text that the ticket must hold; capitals do not matter.",
                        "type": "string",
                    },
                    "team": {"description": "The key of the team that gets the ticket.", "type": "string"},
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


class Lifecycle(exports.Lifecycle):
    """Who this policy is, and its settings."""

    def describe(self) -> Description:
        return Description(
            name="example-router-py",
            version="0.1.0",
            author="The Waypost authors",
            summary="Routes tickets by keywords, and calls whoever is on call when the team is closed",
            settings_schema=json.dumps(SETTINGS_SCHEMA),
            hooks=[ServedHook(hook=Hook.ROUTE, needs=[Need.TEAMS, Need.ON_CALL])],
        )

    def configure(self, text: str, data: List[DataFile]) -> None:
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


class Routing(exports.Routing):
    """The hooks of routing."""

    def route(self, ticket: Ticket, context: Context) -> Assignment:
        text = f"{ticket.short_description}\n{ticket.description}".lower()
        rule = next((rule for rule in settings["rules"] if rule["keyword"] in text), None)
        team = rule["team"] if rule else settings.get("fallback")
        if team is None:
            raise no_opinion("no keyword was found")
        if rule:
            log.log(log.Level.DEBUG, f"found {rule['keyword']}")
        assignment = Assignment(
            team=team,
            assignee=None,
            watchers=[],
            agreement=None,
            strength=Strength.SET,
            confidence=100 if rule else 50,
            reasons=[f"the text holds “{rule['keyword']}”" if rule else "no keyword was found"],
        )
        closed = next((known for known in context.teams if known.key == team and not known.open_now), None)
        if closed and closed.on_call is not None:
            assignment.assignee = closed.on_call
            assignment.reasons.append("the team is closed, so the person on call gets it")
        return assignment

    # The world asks for it; it is never called, because `describe` does not list it.
    def escalate(self, ticket: Ticket, clocks: Clocks, context: Context) -> Optional[Escalation]:
        raise no_opinion("this policy only routes")


def no_opinion(reason: str) -> Err:
    """The error of a hook that has nothing to say."""
    return Err(Decline_NoOpinion([reason]))
