/** Sets the theme before anything is drawn. A file of its own: the page may not have scripts in it. */
import { applyTheme, storedTheme } from "./core/theme-setting.ts";

applyTheme(storedTheme());
