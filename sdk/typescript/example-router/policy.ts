// Routes tickets by keywords: the twin of sdk/rust/template, with the same settings and the same
// answers.

import type { DataFile, Description, SettingsError } from 'waypost:lifecycle/lifecycle@0.1.0';
import { log } from 'waypost:policy/log@0.1.0';
import type { Assignment } from 'waypost:policy/routing@0.1.0';
import type { Context, Decline, Team, TextProposal, Ticket } from 'waypost:policy/types@0.1.0';

import { guarded } from './waypost';

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
          keyword: { description: 'Text that the ticket must contain; capitals do not matter.', type: 'string' },
          team: {
            description: 'The team that gets the ticket: its key, or `organization/key` for exactly that team.',
            type: 'string',
          },
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

export const lifecycle = guarded({
  describe(): Description {
    return {
      name: 'example-router-ts',
      version: '0.1.0',
      author: 'The Waypost authors',
      summary: 'Routes tickets by keywords, and assigns whoever is on call when the team is closed',
      settingsSchema: JSON.stringify(settingsSchema),
      hooks: [{ hook: 'route', needs: ['teams', 'on-call'] }],
    };
  },

  configure(json: string, _data: DataFile[], _hooks: string[]): void {
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
});

export const routing = guarded({
  route({ head }: Ticket, context: Context): Assignment {
    const text = `${head.shortDescription}\n${head.description}`.toLowerCase();
    const rule = settings.rules.find((rule) => text.includes(rule.keyword));
    const team = rule?.team ?? settings.fallback;
    if (team === undefined || team === null) throw noOpinion('no keyword was found');
    if (rule) log('debug', `found ${rule.keyword}`);
    // Each field that is proposed has a strength and a confidence of its own.
    const assignment: Assignment = {
      team: set(team, rule ? 100 : 50),
      reasons: [rule ? `the text contains “${rule.keyword}”` : 'no keyword was found'],
    };
    const known = findTeam(context, team);
    const person = known && !known.openNow ? known.onCall?.[0] : undefined;
    if (person !== undefined) {
      assignment.assignee = set(person, 100);
      assignment.reasons.push('the team is closed, so the person on call gets it');
    }
    return assignment;
  },
});

/** A value that the host applies. */
function set(value: string, confidence: number): TextProposal {
  return { value, strength: 'set', confidence };
}

/**
 * The team that a name means, as the host resolves it: `acme/network` is exactly that team; a bare
 * key is looked up in the layer of the binding, then above it, never below.
 */
function findTeam(context: Context, name: string): Team | undefined {
  const teams = context.teams ?? [];
  const slash = name.indexOf('/');
  if (slash >= 0) {
    const [organization, key] = [name.slice(0, slash), name.slice(slash + 1)];
    return teams.find((team) => team.organization === organization && team.key === key);
  }
  for (const organization of context.lineage.slice(context.lineage.indexOf(context.layer))) {
    const found = teams.find((team) => team.organization === organization && team.key === name);
    if (found) return found;
  }
  return undefined;
}

function noOpinion(reason: string): Decline {
  return { tag: 'no-opinion', val: [reason] };
}
