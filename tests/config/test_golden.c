// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads each *.conf in the directories given and holds the result against the file beside it:
 * NAME.ok is the canonical text, NAME.err the one line "file:line: sentence". A file with neither
 * (the examples that are installed) must be right. What is right must survive its own text.
 * Drop-ins in NAME.conf.d are read over it first.
 *
 * With IOVTEAM_GOLDEN=write, what is expected is written instead of compared: read the diff.
 */
#include "base/cleanup.h"
#include "core/config_host.h"

#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>

#define TEXT_MAX 65536

static bool writing;

static size_t file_read(const char *path, char *buffer)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	size_t size;

	if (!file)
		return 0;
	size = fread(buffer, 1, TEXT_MAX - 1, file);
	buffer[size] = '\0';
	return size;
}

static bool file_write(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *file = fopen(path, "we");

	return file && fputs(text, file) >= 0;
}

/* @path ends in ".conf". */
static const char *beside(const char *path, const char *suffix, char buffer[static PATH_MAX])
{
	int stem = (int)(strlen(path) - strlen(".conf"));

	(void)snprintf(buffer, PATH_MAX, "%.*s%s", stem, path, suffix);
	return buffer;
}

static bool expect(const char *path, const char *suffix, const char *actual)
{
	char name[PATH_MAX], wanted[TEXT_MAX];

	if (writing)
		return file_write(beside(path, suffix, name), actual);
	if (file_read(beside(path, suffix, name), wanted) == 0) {
		printf("not ok - %s: not expected is\n%s", path, actual);
		return false;
	}
	if (strcmp(wanted, actual) == 0)
		return true;
	printf("not ok - %s\nwanted:\n%sgot:\n%s", path, wanted, actual);
	return false;
}

static bool survives(const char *path, const struct config_object *object, const char *text)
{
	_cleanup_free_ char *again_text = NULL;
	struct config_object again;

	if (config_object_parse(path, text, strlen(text), &again, NULL) == 0 &&
	    config_object_equal(object, &again) &&
	    config_object_format(&again, &again_text, NULL) == 0 && strcmp(text, again_text) == 0)
		return true;
	printf("not ok - %s: its canonical text reads differently\n", path);
	return false;
}

static int merge_file(const char *path, struct config_object *object, struct config_error *error)
{
	char text[TEXT_MAX], name[PATH_MAX];
	size_t size = file_read(path, text);

	(void)snprintf(name, sizeof(name), "%s", path);
	return config_object_merge(basename(name), text, size, object, error);
}

static int merge_all(const char *path, struct config_object *object, struct config_error *error)
{
	char pattern[PATH_MAX];
	glob_t found = {};
	int err = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s.d/*.conf", path);
	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; !err && i < found.gl_pathc; i++)
			err = merge_file(found.gl_pathv[i], object, error);
	globfree(&found);
	return err;
}

static bool file_check(const char *path)
{
	_cleanup_free_ char *canonical = NULL;
	char text[TEXT_MAX], line[1024], name[PATH_MAX];
	struct config_error error;
	struct config_object object;
	size_t size = file_read(path, text);

	(void)snprintf(name, sizeof(name), "%s", path);
	if (config_object_parse(basename(name), text, size, &object, &error) < 0 ||
	    merge_all(path, &object, &error) < 0) {
		(void)snprintf(line, sizeof(line), "%s:%u: %s\n", error.file, error.line,
			       error.text);
		return expect(path, ".err", line);
	}
	if (config_object_format(&object, &canonical, NULL) < 0) {
		printf("not ok - %s: has no canonical text\n", path);
		return false;
	}
	if (!survives(path, &object, canonical))
		return false;
	if (strstr(path, "/examples/"))
		return true;
	return expect(path, ".ok", canonical);
}

/* How many failed; none found is a failure, too. */
static int directory_check(const char *directory)
{
	char pattern[PATH_MAX];
	glob_t found = {};
	int bad = 0;

	(void)snprintf(pattern, sizeof(pattern), "%s/*.conf", directory);
	if (glob(pattern, 0, NULL, &found) != 0) {
		printf("not ok - %s: nothing there\n", pattern);
		return 1;
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		bad += !file_check(found.gl_pathv[i]);
	printf("%s: %zu files, %d bad\n", directory, found.gl_pathc, bad);
	globfree(&found);
	return bad;
}

int main(int argc, char *argv[])
{
	const char *mode = getenv("IOVTEAM_GOLDEN");
	int bad = 0;

	writing = mode && strcmp(mode, "write") == 0;
	if (argc < 2) {
		fprintf(stderr, "usage: %s DIRECTORY...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		bad += directory_check(argv[i]);
	return bad ? 1 : 0;
}
