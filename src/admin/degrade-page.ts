// GET and POST /degrade: which rules there are, and an operator's hand on them.
import { DEGRADE_MODES, type DegradeMode } from "../governance/degrade.ts";
import type { TurnableSwitches } from "../governance/degrade-switches.ts";
import { type HttpHandler, textResponse } from "../protocol/http/http.ts";
import { jsonResponse } from "./explain-page.ts";

export interface DegradePageOptions {
  /** The rules of the config in force, as `upstream/name`, with the mode that it gives them. */
  readonly rules: () => readonly { readonly rule: string; readonly mode: DegradeMode }[];
  readonly switches: TurnableSwitches;
  /** Hears what was switched, for the log. */
  readonly turned: (rule: string, mode: DegradeMode | undefined) => void;
}

/**
 * GET answers all rules as JSON. POST `?rule=upstream/name&mode=on|off|auto|config` switches one until it is switched again or
 * the sidecar ends; `config` gives it back to the config.
 */
export function createDegradePage({ rules, switches, turned }: DegradePageOptions): {
  readonly GET: HttpHandler;
  readonly POST: HttpHandler;
} {
  const list = () => rules().map(({ rule, mode }) => ({ rule, mode: switches.modeOf(rule) ?? mode, config: mode }));
  return {
    GET: () => jsonResponse(200, list()),
    POST({ query, headers }) {
      // A page in a browser must not switch anything of whoever looks at it.
      if (headers.get("origin") !== undefined) return textResponse(403, "not from a browser's page");
      const given = new URLSearchParams(query);
      const [rule, mode] = [given.get("rule"), given.get("mode")];
      const known = rules().map((each) => each.rule);
      if (rule === null || !known.includes(rule)) {
        return textResponse(
          404,
          `no such rule, expected ${known.length === 0 ? "one in upstreams.<name>.degrade" : known.join(", ")}`,
        );
      }
      const wanted = DEGRADE_MODES.find((each) => each === mode);
      if (wanted === undefined && mode !== "config") {
        return textResponse(400, `expected mode=${DEGRADE_MODES.join(", ")} or config`);
      }
      switches.turn(rule, wanted);
      turned(rule, wanted);
      return jsonResponse(200, list());
    },
  };
}
