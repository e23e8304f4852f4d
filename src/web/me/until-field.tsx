// The day until which something is given, as an input of a form.
import type { FC } from "hono/jsx";

interface UntilFieldProps {
  readonly label: string;
  readonly help: string;
  /** Full-dates. */
  readonly first: string;
  readonly last: string;
  readonly value: string;
  /** Whether the form's fault (`#fault`) is about it. */
  readonly isWrong?: boolean;
}

export const UntilField: FC<UntilFieldProps> = ({ label, help, first, last, value, isWrong = false }) => (
  <div class="field">
    <label for="until">{label}</label>
    <input
      type="date"
      id="until"
      name="until"
      min={first}
      max={last}
      value={value}
      required
      aria-describedby={isWrong ? "until-help fault" : "until-help"}
      {...(isWrong && { "aria-invalid": "true" as const })}
    />
    <p class="soft" id="until-help">
      {help}
    </p>
  </div>
);
