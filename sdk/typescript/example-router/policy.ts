// Routes tickets by keywords: the twin of sdk/rust/template, with the same settings and the same answers.

import type { DataFile, Description, SettingsError } from 'waypost:policy/lifecycle@0.1.0';
import { log } from 'waypost:policy/log@0.1.0';
import type { Assignment, Clocks, Escalation } from 'waypost:policy/routing@0.1.0';
import type { Context, Decline, Ticket } from 'waypost:policy/types@0.1.0';

/** What an administrator may set. */
interface Settings {
  /** The first rule whose keyword is in the ticket's text wins. */
  rules: { keyword: string; team: string }[];
  /** The team for tickets without a keyword; none leaves them to the next policy. */
  fallback?: string | null;
}

/** The host checks settings against this before `configure` sees them. */
const settingsSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  additionalProperties: false,
  required: ['rules'],
  properties: {
    rules: {
      description: "The first rule whose keyword is in the ticket's text wins.",
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['keyword', 'team'],
        properties: {
          keyword: { description: 'Text that the ticket must hold; capitals do not matter.', type: 'string' },
          team: { description: 'The key of the team that gets the ticket.', type: 'string' },
        },
      },
    },
    fallback: {
      description: 'The team for tickets without a keyword; none leaves them to the next policy.',
      type: ['string', 'null'],
    },
  },
};

let settings: Settings = { rules: [] };

export const lifecycle = {
  describe(): Description {
    return {
      name: 'example-router-ts',
      version: '0.1.0',
      author: 'The Waypost authors',
      summary: 'Routes tickets by keywords, and calls whoever is on call when the team is closed',
      settingsSchema: JSON.stringify(settingsSchema),
      hooks: [{ hook: 'route', needs: ['teams', 'on-call'] }],
    };
  },

  configure(json: string, _data: DataFile[]): void {
    settings = JSON.parse(json) as Settings;
    const errors: SettingsError[] = [];
    settings.rules.forEach((rule, place) => {
      rule.keyword = rule.keyword.trim().toLowerCase();
      if (rule.keyword === '') {
        errors.push({ path: `/rules/${place}/keyword`, message: 'write a keyword' });
      }
    });
    // What is thrown is the error of the WIT function's result.
    if (errors.length > 0) throw errors;
  },
};

export const routing = {
  route(ticket: Ticket, context: Context): Assignment {
    const text = `${ticket.shortDescription}\n${ticket.description}`.toLowerCase();
    const rule = settings.rules.find((rule) => text.includes(rule.keyword));
    const team = rule?.team ?? settings.fallback;
    if (team === undefined || team === null) throw noOpinion('no keyword was found');
    if (rule) log('debug', `found ${rule.keyword}`);
    const assignment: Assignment = {
      team,
      watchers: [],
      strength: 'set',
      confidence: rule ? 100 : 50,
      reasons: [rule ? `the text holds “${rule.keyword}”` : 'no keyword was found'],
    };
    const closed = context.teams.find((candidate) => candidate.key === team && !candidate.openNow);
    if (closed?.onCall !== undefined) {
      assignment.assignee = closed.onCall;
      assignment.reasons.push('the team is closed, so the person on call gets it');
    }
    return assignment;
  },

  // The world asks for it; it is never called, because `describe` does not list it.
  escalate(_ticket: Ticket, _clocks: Clocks, _context: Context): Escalation | undefined {
    throw noOpinion('this policy only routes');
  },
};

function noOpinion(reason: string): Decline {
  return { tag: 'no-opinion', val: [reason] };
}
