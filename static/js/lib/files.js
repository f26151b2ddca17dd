// Files of this computer as the API takes them.

// As projects/attachments.py has them: said here before anything is sent, and there whatever is sent.
const MAX_IMAGE_BYTES = 3_700_000;
const MAX_TEXT_BYTES = 200_000;
const PICTURE = /^(\x89PNG\r\n\x1a\n|GIF8[79]a|\xff\xd8\xff|RIFF[^]{4}WEBP)/;
const CONTROL = /[\x00-\x08\x0b\x0e-\x1f\x7f]/;

/** Whether a file is a picture, by its bytes. Throws, in words for a person, when it cannot be sent with a message. */
export async function check(name, file) {
  const head = new Uint8Array(await file.slice(0, MAX_TEXT_BYTES).arrayBuffer());
  const isPicture = PICTURE.test(String.fromCharCode(...head.slice(0, 12)));
  if (!isPicture && !isText(head)) throw new Error("Only pictures (PNG, JPEG, GIF, WebP) and text files can be sent.");
  const limit = isPicture ? MAX_IMAGE_BYTES : MAX_TEXT_BYTES;
  const said = (bytes) => bytes.toLocaleString("en");
  if (file.size > limit) throw new Error(`${name} has ${said(file.size)} bytes; at most ${said(limit)} can be sent.`);
  return isPicture;
}

function isText(bytes) {
  try {
    // As a stream: a letter that is cut off at the end may go on in the rest.
    return bytes.length > 0 && !CONTROL.test(new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true }));
  } catch {
    return false;
  }
}

/** The bytes of a File in base64. */
export const base64 = (file) =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
