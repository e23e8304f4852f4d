// Pictures of a printed page as scanners and phones take them: turned, blurred, noisy, seen from the side. Grey, and the same in every run. Test code only.
import type { Page } from "playwright-core";

/** Rows of grey pixels, 0 black to 255 white. */
export interface GreyPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Float32Array;
}

/** A page as it is printed, in pixels of `dpi`, cut out around an element. The page's own scale factor must be dpi / 96. */
export async function takePicture(page: Page, selector: string): Promise<GreyPicture> {
  const box = (await page.locator(selector).boundingBox())!;
  const margin = 6;
  const clip = {
    x: box.x - margin,
    y: box.y - margin,
    width: box.width + 2 * margin,
    height: box.height + 2 * margin,
  };
  const png = (await page.screenshot({ clip, fullPage: true })).toString("base64");
  // A page of its own: that of the certificate loads no picture from anywhere.
  const reader = await page.context().newPage();
  const { width, height, grey } = await reader.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d")!;
    context.drawImage(image, 0, 0);
    const { data: rgba } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let i = 0; i < rgba.length; i += 4)
      text += String.fromCharCode(Math.round(0.3 * rgba[i]! + 0.59 * rgba[i + 1]! + 0.11 * rgba[i + 2]!));
    return { width: canvas.width, height: canvas.height, grey: btoa(text) };
  }, png);
  await reader.close();
  return { width, height, pixels: Float32Array.from(Buffer.from(grey, "base64")) };
}

/** `turn` in degrees; `lean`: how much smaller the far edge is, 0 to 1; `scale`: pixels per pixel. */
export function warp(
  source: GreyPicture,
  options: { turn?: number; lean?: number; scale?: number; border?: number },
): GreyPicture {
  const { turn = 0, lean = 0, scale = 1, border = 40 } = options;
  const side = Math.ceil(Math.hypot(source.width, source.height) * scale) + 2 * border;
  const pixels = new Float32Array(side * side);
  const [sin, cos] = [Math.sin((turn * Math.PI) / 180), Math.cos((turn * Math.PI) / 180)];
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      // From the picture's middle back to the paper's: the farther up, the wider a pixel's share of the paper.
      const [u, v] = [x - side / 2, y - side / 2];
      const depth = 1 + (lean * v) / side;
      const [px, py] = [u / depth / scale, v / depth / scale];
      const sx = px * cos + py * sin + source.width / 2;
      const sy = -px * sin + py * cos + source.height / 2;
      pixels[y * side + x] = sampleAt(source, sx, sy);
    }
  }
  return { width: side, height: side, pixels };
}

function sampleAt({ width, height, pixels }: GreyPicture, x: number, y: number): number {
  const [x0, y0] = [Math.floor(x - 0.5), Math.floor(y - 0.5)];
  const [fx, fy] = [x - 0.5 - x0, y - 0.5 - y0];
  const at = (ax: number, ay: number): number =>
    ax < 0 || ay < 0 || ax >= width || ay >= height ? 255 : pixels[ay * width + ax]!;
  const top = at(x0, y0) * (1 - fx) + at(x0 + 1, y0) * fx;
  const bottom = at(x0, y0 + 1) * (1 - fx) + at(x0 + 1, y0 + 1) * fx;
  return top * (1 - fy) + bottom * fy;
}

/** A blur whose kernel is a tent of `radius` pixels to either side. */
export function blur(source: GreyPicture, radius: number): GreyPicture {
  const reach = Math.ceil(radius);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.max(0, 1 - Math.abs(i - reach) / (radius + 1e-9)),
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const { width, height } = source;
  const pass = (pixels: Float32Array, step: number, length: (i: number) => [number, number]): Float32Array =>
    pixels.map((_, i) => {
      const [at, end] = length(i);
      let sum = 0;
      for (let k = -reach; k <= reach; k++) {
        const near = Math.min(Math.max(at + k, 0), end - 1) - at;
        sum += weights[k + reach]! * pixels[i + near * step]!;
      }
      return sum / total;
    });
  const across = pass(source.pixels, 1, (i) => [i % width, width]);
  return { width, height, pixels: pass(across, width, (i) => [Math.floor(i / width), height]) };
}

/** Grain of up to `amount` grey levels up or down, and less contrast, as paper and a cheap camera give. */
export function addGrain(source: GreyPicture, amount: number): GreyPicture {
  let state = 1;
  const pixels = source.pixels.map((value) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const grain = ((state >>> 8) / 0xff_ffff - 0.5) * 2 * amount;
    return Math.min(255, Math.max(0, 30 + value * 0.8 + grain));
  });
  return { ...source, pixels };
}

/** As decoders take it. */
export function toRgba({ width, height, pixels }: GreyPicture): {
  width: number;
  height: number;
  data: Uint8ClampedArray;
} {
  const data = new Uint8ClampedArray(width * height * 4).fill(255);
  for (const [i, value] of pixels.entries()) data.fill(Math.round(value), i * 4, i * 4 + 3);
  return { width, height, data };
}
