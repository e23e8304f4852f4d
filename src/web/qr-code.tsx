// A QR code to be printed: how large, how robust, and as SVG. Knows nothing of what the text means.
import type { FC } from "hono/jsx";
import { type ErrorCorrection, encodeQR } from "qr";
import { PRINTED_CODE_MM_MAX, PRINTED_MODULE_MM_LEAST, PRINTED_MODULE_MM_MIN } from "../limits.ts";

/** ISO/IEC 18004 §6.3.8: as much white around a code as four of its modules. */
const QUIET_MODULES = 4;

export interface PrintedCode {
  /** Rows of modules; true is black. */
  readonly rows: readonly (readonly boolean[])[];
  readonly correction: ErrorCorrection;
  /** The side of the code, without the white around it. */
  readonly millimetres: number;
}

function encode(text: string, ecc: ErrorCorrection): boolean[][] | undefined {
  try {
    // The library draws none without a border.
    const rows = encodeQR(text, "raw", { ecc, border: 1 });
    return rows.slice(1, -1).map((row) => row.slice(1, -1));
  } catch {
    return undefined; // more than the largest code holds
  }
}

/**
 * The code at this size, or as much larger as its modules must be to be read. Medium correction, for paper is folded and stained; low only
 * for what fits otherwise no code within PRINTED_CODE_MM_MAX, and undefined for what fits none.
 */
export function drawPrintedCode(text: string, millimetres: number): PrintedCode | undefined {
  const kinds = [
    { correction: "medium", module: PRINTED_MODULE_MM_MIN },
    { correction: "low", module: PRINTED_MODULE_MM_LEAST },
  ] as const;
  for (const { correction, module } of kinds) {
    const rows = encode(text, correction);
    if (rows && rows.length * module <= PRINTED_CODE_MM_MAX)
      return { rows, correction, millimetres: Math.max(rows.length * module, millimetres) };
  }
  return undefined;
}

/** Black runs of each row as one path: a phone's browser draws it at once. */
function pathOf(rows: PrintedCode["rows"]): string {
  return rows
    .map((row, y) =>
      [
        ...row
          .map((isBlack) => (isBlack ? "1" : "0"))
          .join("")
          .matchAll(/1+/g),
      ]
        .map(({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`)
        .join(""),
    )
    .join("");
}

export const QrCode: FC<{ code: PrintedCode; label: string }> = ({ code, label }) => {
  const { rows, millimetres } = code;
  const side = rows.length + 2 * QUIET_MODULES;
  const printed = `${((millimetres * side) / rows.length).toFixed(3)}mm`;
  const box = `-${QUIET_MODULES} -${QUIET_MODULES} ${side} ${side}`;
  return (
    <svg class="code" role="img" aria-label={label} width={printed} height={printed} viewBox={box}>
      <rect x={-QUIET_MODULES} y={-QUIET_MODULES} width={side} height={side} fill="#fff" />
      <path d={pathOf(rows)} fill="#000" shape-rendering="crispEdges" />
    </svg>
  );
};
