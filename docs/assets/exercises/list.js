// Pages with exercises, by their path from the site's root, and the heading ids of the exercises on each.
// tests/test_exercises.py compares this list with the pages.

export const EXERCISES = {
  "learn/three-rules": ["exercise"],
  "learn/feature-maps": ["exercise"],
  "learn/two-windows": ["exercise"],
  "learn/stride": ["exercise"],
  "learn/position": ["exercise", "exercise-start"],
  "learn/border": ["exercise"],
  "learn/dilation": ["exercise"],
  "learn/branches": ["exercise"],
  "labs/feature-maps": ["exercise"],
  "article/relations": ["exercise"],
};
