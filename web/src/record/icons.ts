/** Icons of recording and playing, apart from those that every page has. */
export const RECORD = ['M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z', 'M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z'];
export const FILM = ['M3 5h18v14H3z', 'M10 9l5 3-5 3z'];
export const PLAY = ['M7 4l13 8-13 8z'];
export const PAUSE = ['M8 5v14', 'M16 5v14'];
export const PREVIOUS = ['M19 5l-10 7 10 7z', 'M5 5v14'];
export const NEXT = ['M5 5l10 7-10 7z', 'M19 5v14'];
export const BACK = ['M4 12a8 8 0 1 0 3-6L4 8', 'M4 3v5h5'];
export const FORTH = ['M20 12a8 8 0 1 1-3-6l3 2', 'M20 3v5h-5'];
export const DOWNLOAD = ['M12 4v11', 'M7 11l5 5 5-5', 'M5 20h14'];
export const BIN = ['M4 7h16', 'M9 7V4h6v3', 'M6 7l1 13h10l1-13'];
