import js from '@eslint/js';
import globals from 'globals';

export default [
  { ignores: ['**/bundles/'] },
  js.configs.recommended,
  { languageOptions: { globals: globals.browser }, rules: { 'no-unused-vars': ['error', { ignoreRestSiblings: true }] } },
  { files: ['**/javascript/*.js', '**/*.test.js'], languageOptions: { globals: globals.node } },
];
