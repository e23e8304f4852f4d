// The pages' script for tests, bundled out of the sources as they are: `npm test` builds before, a single test run by hand may not. Test code only.
import { type BundleSize, bundleElsewhere, bundleForm, bundlePage } from "../src/web/browser/bundle.ts";

let bundled: Promise<BundleSize[]> | undefined;

export function ensurePageBundled(): Promise<BundleSize[]> {
  bundled ??= bundlePage();
  return bundled;
}

let formBundled: Promise<BundleSize[]> | undefined;

export function ensureFormBundled(): Promise<BundleSize[]> {
  formBundled ??= bundleForm();
  return formBundled;
}

let elsewhereBundled: Promise<BundleSize[]> | undefined;

export function ensureElsewhereBundled(): Promise<BundleSize[]> {
  elsewhereBundled ??= bundleElsewhere();
  return elsewhereBundled;
}
