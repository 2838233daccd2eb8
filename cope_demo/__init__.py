"""CoPe: personalized decoding by contrasting personal preference, made visible."""
