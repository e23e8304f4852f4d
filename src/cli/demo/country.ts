// The data of the demo: an invented country of four states, twelve districts and thirty blocks. Values only.

export interface StateSeed {
  readonly code: string;
  readonly name: string;
  readonly capital: string;
}

/** Its state's code is the part before the dash. */
export interface DistrictSeed {
  readonly code: string;
  readonly name: string;
}

/** Its district's code is the part before the last dash. */
export interface BlockSeed {
  readonly code: string;
  readonly name: string;
}

export interface CouncilSeed {
  readonly code: string;
  readonly name: string;
  readonly seats: number;
  /** Code of its district. */
  readonly district: string;
  /** Proposed, and left for somebody to approve. */
  readonly isWaiting: boolean;
}

export const STATES: readonly StateSeed[] = [
  { code: "AL", name: "Aldermark", capital: "Alderby" },
  { code: "BR", name: "Brennland", capital: "Port Brenn" },
  { code: "CO", name: "Corvane", capital: "Corvane Town" },
  { code: "DU", name: "Dunmere", capital: "Dunhaven" },
];

export const DISTRICTS: readonly DistrictSeed[] = [
  { code: "AL-01", name: "Alderby" },
  { code: "AL-02", name: "Upper Wend" },
  { code: "AL-03", name: "Ferrow" },
  { code: "BR-01", name: "Port Brenn" },
  { code: "BR-02", name: "Saltreach" },
  { code: "BR-03", name: "Quellin Hills" },
  { code: "CO-01", name: "Corvane Town" },
  { code: "CO-02", name: "Old Orchard" },
  { code: "CO-03", name: "Lower Mirra" },
  { code: "DU-01", name: "Dunhaven" },
  { code: "DU-02", name: "Greywater" },
  { code: "DU-03", name: "Thornfield" },
];

const BLOCK_NAMES: Readonly<Record<string, readonly string[]>> = {
  "AL-01": ["Alderby East", "Alderby West"],
  "AL-02": ["Wendhead", "Stillbrook", "Larkrise"],
  "AL-03": ["Ferrow North", "Ferrow South"],
  "BR-01": ["Harbour Villages", "Brenn Valley", "Cooper's Ford"],
  "BR-02": ["Saltreach", "Marsh End"],
  "BR-03": ["High Quellin", "Low Quellin", "Stonegate"],
  "CO-01": ["Corvane Fields", "Millrace"],
  "CO-02": ["Pearwood", "Cidermoor", "Longacre"],
  "CO-03": ["Mirra Bank", "Reedham"],
  "DU-01": ["Dunhaven Rural", "Eastwick", "Fishersgate"],
  "DU-02": ["Greywater North", "Greywater South"],
  "DU-03": ["Thornfield", "Hollybush", "Crowmarsh"],
};

export const BLOCKS: readonly BlockSeed[] = DISTRICTS.flatMap(({ code }) =>
  (BLOCK_NAMES[code] ?? []).map((name, at) => ({ code: `${code}-${at + 1}`, name })),
);

export const COUNCILS: readonly CouncilSeed[] = [
  { code: "VC-101", name: "Alderby Green", seats: 9, district: "AL-01", isWaiting: false },
  { code: "VC-102", name: "Stillbrook", seats: 7, district: "AL-02", isWaiting: false },
  { code: "VC-103", name: "Marsh End", seats: 11, district: "BR-02", isWaiting: true },
  { code: "VC-104", name: "Pearwood", seats: 7, district: "CO-02", isWaiting: true },
  { code: "VC-105", name: "Crowmarsh", seats: 9, district: "DU-03", isWaiting: true },
];
