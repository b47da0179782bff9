/** Outlines of 16 × 16, in the colour of the text. They only accompany words: nothing reads them aloud. */
const PATHS = {
  archive: "M2.5 3h11v3h-11zM3.5 6v7h9V6M6.5 8.5h3",
  arrowDown: "M8 3v10M4 9l4 4 4-4",
  arrowUp: "M8 13V3M4 7l4-4 4 4",
  ban: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.8 3.8l8.4 8.4",
  camera: "M2 5h3l1-2h4l1 2h3v8H2zM8 11a2.2 2.2 0 1 0 0-4.4A2.2 2.2 0 0 0 8 11z",
  check: "M3 8.5l3.5 3.5L13 4.5",
  chevronDown: "M4 6l4 4 4-4",
  chevronLeft: "M10 3L5 8l5 5",
  chevronRight: "M6 3l5 5-5 5",
  clipboard: "M4 3h8v11H4zM6 3V1.500h4V3M6.500 7h3M6.500 10h3",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 5v3.2l2 1.3",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  cross: "M4 4l8 8M12 4l-8 8",
  disk: "M8 6.5c3 0 5.5-.9 5.5-2S11 2.500 8 2.500 2.500 3.400 2.500 4.500 5 6.500 8 6.500zM2.500 4.500v7c0 1.100 2.500 2 5.500 2s5.500-.9 5.500-2v-7M2.500 8c0 1.100 2.500 2 5.500 2s5.500-.9 5.500-2",
  download: "M8 2.500v8M4.500 7L8 10.500 11.500 7M3 13.500h10",
  dots: "M3.500 8h.01M8 8h.01M12.500 8h.01",
  eye: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  expand: "M2.500 6V2.500H6M10 2.500h3.500V6M13.500 10v3.500H10M6 13.500H2.500V10",
  external: "M6.500 3.500H3v9.500h9.500V9.500M9.500 2.500h4v4M13 3L7.500 8.500",
  help: "M6 6a2 2 0 1 1 2.700 1.900c-.5.2-.7.500-.7 1.100v.500M8 12h.01",
  home: "M2.500 7.500L8 3l5.500 4.500M4 6.500V13h8V6.500",
  keyboard: "M1.500 4.500h13v7h-13zM4 7h.01M6.700 7h.01M9.300 7h.01M12 7h.01M5 9.500h6",
  link: "M6.500 9.500l3-3M7 4.500l1.500-1.500a2.500 2.500 0 0 1 3.500 3.500L10.500 8M9 11.500L7.500 13A2.500 2.500 0 0 1 4 9.500L5.500 8",
  list: "M5.500 4h8M5.500 8h8M5.500 12h8M2.500 4h.01M2.500 8h.01M2.500 12h.01",
  moon: "M13 9.500A5.500 5.500 0 0 1 6.500 3 5.500 5.500 0 1 0 13 9.500z",
  auto: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 2v12",
  network: "M6 2.500h4v3H6zM2 10.500h4v3H2zM10 10.500h4v3h-4zM8 5.500V8M4 10.500V8h8v2.500",
  pause: "M5.500 3.500v9M10.500 3.500v9",
  play: "M4.500 3l8 5-8 5z",
  plus: "M8 3v10M3 8h10",
  rerun: "M13 8a5 5 0 1 1-1.500-3.500M13 2v3h-3",
  screen: "M2 3h12v8H2zM5.500 13.500h5M8 11v2.500",
  search: "M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM10.300 10.300L13.500 13.500",
  server: "M2.500 3h11v4h-11zM2.500 9h11v4h-11zM5 5h.01M5 11h.01",
  shield: "M8 2l5 2v3.500c0 3-2 5.500-5 6.500-3-1-5-3.500-5-6.500V4z",
  stop: "M4 4h8v8H4z",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1.500v1M8 13.500v1M1.500 8h1M13.500 8h1M3.400 3.400l.7.7M11.900 11.900l.7.7M3.400 12.600l.7-.7M11.900 4.100l.7-.7",
  terminal: "M2 3h12v10H2zM4.500 6l2 2-2 2M8 10.500h3.500",
  user: "M8 8a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM3 13.500c.5-2.500 2.500-3.500 5-3.500s4.500 1 5 3.500",
  warning: "M8 2.500l6 11H2zM8 6.500v3M8 11.500h.01",
  wrap: "M2.500 4h11M2.500 8h9a2 2 0 0 1 0 4H8M9.500 10.500L8 12l1.500 1.500M2.500 12H5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
