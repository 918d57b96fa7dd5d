/** The library imported by URL, and vendored into a project whose strict options its types bear. */
import "../import_by_url_test.ts";
