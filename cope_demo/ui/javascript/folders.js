// Where the page's scripts lie, for the build and the checks; tsconfig.json names the same folders.

import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
export const UI = 'cope_demo/ui';
export const TOKEN_VIEW = `${UI}/token_view/heatmap.js`;
export const PANELS = `${UI}/panels`;
export const BUNDLES = `${UI}/bundles`;
