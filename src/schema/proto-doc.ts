// Gives comments to the declarations they belong to.
import type { ProtoComment, ProtoToken } from "./proto-lexer.ts";

/**
 * The doc comment of a declaration whose first token is `first`, with the token before it on `lineBefore`, and whose head ends
 * on `lastLine` with `behind` as the comments after it: the comment right above, else the one behind it on its line; undefined
 * when there is neither.
 */
export function docOf(
  first: ProtoToken,
  lineBefore: number,
  lastLine: number,
  behind: readonly ProtoComment[],
): string | undefined {
  if (first.comments.length > 0) {
    const above = first.comments.filter(({ line }) => line !== lineBefore);
    const leading = adjoining(above, first.line);
    if (leading.length > 0) return cleanComments(leading);
  }
  const trailing = behind[0];
  return trailing?.line === lastLine ? cleanComments([trailing]) : undefined;
}

/** The last block, or the last run of `//` lines, if no blank line parts it from `line`. */
function adjoining(comments: readonly ProtoComment[], line: number): readonly ProtoComment[] {
  let from = comments.length;
  let expected = line;
  while (from > 0) {
    const comment = comments[from - 1];
    if (comment === undefined || comment.endLine < expected - 1) break;
    if (comment.block) return from === comments.length ? [comment] : comments.slice(from);
    expected = comment.line;
    from--;
  }
  return comments.slice(from);
}

function cleanComments(comments: readonly ProtoComment[]): string | undefined {
  const lines = comments.flatMap(({ block, text }) =>
    block ? text.split("\n").map((line) => line.replace(/^\s*\*+ ?/, "")) : [text.replace(/^\/* ?/, "")],
  );
  const doc = lines
    .map((line) => line.trimEnd())
    .join("\n")
    .trim();
  return doc === "" ? undefined : doc;
}
