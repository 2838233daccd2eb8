// A solution that nobody reads at a glance: bytes under a key that lies beside them. It hides nothing from who looks for it.

const KEY = 8; // bytes

/**
 * @param {any} value
 * @returns {string} base64
 */
export const seal = (value) => {
  const text = new TextEncoder().encode(JSON.stringify(value));
  const key = crypto.getRandomValues(new Uint8Array(KEY));
  const bytes = [...key, ...text.map((byte, at) => byte ^ key[at % KEY])];
  return btoa(String.fromCharCode(...bytes));
};

/**
 * @param {string} sealed
 * @returns {any} null where it is nothing of ours
 */
export const unseal = (sealed) => {
  try {
    const bytes = Uint8Array.from(atob(sealed), (c) => c.charCodeAt(0));
    const text = bytes.slice(KEY).map((byte, at) => byte ^ bytes[at % KEY]);
    return JSON.parse(new TextDecoder().decode(text));
  } catch {
    return null;
  }
};
