/** Icons that few pages have, or only once something is opened. */
export const SNAP = ['M3 8h4l2-3h6l2 3h4v11H3z', 'M12 10a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z'];
export const PIP = ['M3 5h18v14H3z', 'M12 12h6v4h-6z'];
export const BELL = ['M6 17V11a6 6 0 0 1 12 0v6l2 2H4z', 'M10 21h4'];
export const CODE = ['M4 4h6v6H4z', 'M14 4h6v6h-6z', 'M4 14h6v6H4z', 'M14 14h2v2M20 14v2M14 20h2M18 18h2v2'];
export const KEY = ['M8 10a4 4 0 1 0 0 8 4 4 0 0 0 0-8z', 'M11 11l9-8', 'M16.5 6.5L19 9'];
export const COPY = ['M9 9h11v11H9z', 'M15 9V4H4v11h5'];
export const CHECK = ['M4 13l5 5L20 6'];
export const HAND = ['M8 12V6a1.5 1.5 0 0 1 3 0v5V4a1.5 1.5 0 0 1 3 0v7V6a1.5 1.5 0 0 1 3 0v8a7 7 0 0 1-13 3l-2-4 2-1 2 2'];
export const GRID = ['M4 4h16v16H4zM4 12h16M12 4v16'];
export const TALK = ['M4 10v4l10 5V5z', 'M18 9a4 4 0 0 1 0 6', 'M7 15.5V20h3v-3'];
export const LINK = ['M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1', 'M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1'];
