// Reads the QR codes in a picture. Loaded apart from the page, once it is idle; what a code holds is untrusted text.
import { decodeQRBatch } from "qr/decode.js";
import { VERIFY_PICTURE_BYTES_MAX, VERIFY_PICTURE_READ_MS, VERIFY_PICTURE_SIDE_PIXELS } from "../../limits.ts";

/** The sides, in pixels, that a picture is looked at with, one after the other: a code may be too fine for one and too coarse for another. */
const SIDES = [1_600, VERIFY_PICTURE_SIDE_PIXELS, 900];
const EFFORT = 3;

function drawScaled(picture: ImageBitmap, side: number): ImageData {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("this browser draws no pictures");
  // What is transparent would be read as black.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * The texts of the codes in a picture; none where there is no picture or no code in it. `isEnough`: whether to stop looking, since of two
 * codes on a paper the finer one may show only at another size.
 */
export async function readPicture(file: Blob, isEnough: (texts: readonly string[]) => boolean): Promise<string[]> {
  if (file.size > VERIFY_PICTURE_BYTES_MAX) return [];
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return [];
  }
  const texts = new Set<string>();
  for (const side of SIDES) {
    const [found] = await decodeQRBatch([drawScaled(picture, side)], {
      format: "RGBA",
      effort: EFFORT,
      timeLimit: VERIFY_PICTURE_READ_MS,
    });
    for (const text of found ?? []) if (typeof text === "string") texts.add(text);
    if (isEnough([...texts])) break;
  }
  picture.close();
  return [...texts];
}
