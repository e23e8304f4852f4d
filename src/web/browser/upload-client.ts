// Sends a file to the page's own node and tells how far it is. `fetch` tells no progress of what is sent.
import { type AskedForm, describeFailure } from "./pick-client.ts";

/** What names the file in a record; checked by the server when the record is written. */
export interface SentFile {
  readonly mediaType: string;
  readonly bytes: number;
  readonly text: string;
}

/** Rejects with an Error whose message is a sentence. */
export function sendFile(form: AskedForm, file: File, onProgress: (share: number) => void): Promise<SentFile> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ name: file.name.slice(0, 200) });
    request.open("POST", `${form.basePath}/console/registries/${form.registry}/attachments?${query}`);
    request.setRequestHeader("accept", "application/json");
    request.setRequestHeader("content-type", file.type);
    request.setRequestHeader("attestry-form-token", form.token);
    request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0));
    request.addEventListener("error", () => reject(new Error(describeFailure(0))));
    request.addEventListener("load", () => {
      try {
        const body = JSON.parse(request.responseText) as Partial<SentFile> & { detail?: string };
        if (request.status === 201 && typeof body.mediaType === "string" && typeof body.bytes === "number")
          return resolve({ mediaType: body.mediaType, bytes: body.bytes, text: request.responseText });
        const isOurs =
          request.status >= 400 && request.status < 500 && request.status !== 401 && request.status !== 403;
        return reject(
          new Error(isOurs && body.detail ? `It was not taken: ${body.detail}.` : describeFailure(request.status)),
        );
      } catch {
        return reject(new Error(describeFailure(request.status)));
      }
    });
    request.send(file);
  });
}
