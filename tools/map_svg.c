/* SPDX-License-Identifier: MIT */
/*
 * contig map as a picture: a run of physical memory is a rising line, scattered pages are a
 * cloud. What is at least a few pixels long is drawn as it is; the rest goes to a raster, so that
 * the file stays small however much memory there is.
 */
#include "map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map_axis.h"

enum {
	SVG_LEFT = 100, SVG_TOP = 76, SVG_WIDTH = 840, SVG_HEIGHT = 420, SVG_BOTTOM = 64,
	SVG_RIGHT = 20, SVG_DOT = 3,
	SVG_COLUMNS = SVG_WIDTH / SVG_DOT, SVG_ROWS = SVG_HEIGHT / SVG_DOT,
	SVG_BUCKETS = 2048,	/* of physical memory: what lies in none is not shown */
	SVG_FOLD_BUCKETS = 64,	/* fewer empty ones in a row are shown as they are */
};

struct svg {
	const struct map_process *process;
	const struct map_region *region;	/* being walked */
	FILE *out;
	uint64_t low, high;			/* physical addresses */
	uint64_t bucket_bytes;
	bool used[SVG_BUCKETS];
	struct map_axis x, y;
	unsigned char dot[SVG_ROWS][SVG_COLUMNS];	/* enum map_kind */
};

static int svg_walk(struct svg *svg, physmap_visit *visit)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < svg->process->count; i++) {
		const struct smaps_mapping *mapping = &svg->process->region[i].mapping;

		svg->region = &svg->process->region[i];
		ret = physmap_each(svg->process->pagemap_fd, mapping->start,
				   mapping->end - mapping->start, visit, svg);
	}
	return ret == -ENODATA ? -ESRCH : ret;
}

static int svg_find_bounds(const struct physmap_piece *piece, void *arg)
{
	struct svg *svg = arg;

	if (piece->state != PHYSMAP_KNOWN)
		return 0;
	if (piece->pa < svg->low)
		svg->low = piece->pa;
	if (piece->pa + piece->bytes > svg->high)
		svg->high = piece->pa + piece->bytes;
	return 0;
}

static int svg_mark_used(const struct physmap_piece *piece, void *arg)
{
	struct svg *svg = arg;

	/* What has moved out of the bounds since they were found is left out. */
	if (piece->state != PHYSMAP_KNOWN || piece->pa < svg->low ||
	    piece->pa + piece->bytes > svg->high)
		return 0;
	for (uint64_t i = (piece->pa - svg->low) / svg->bucket_bytes;
	     i <= (piece->pa + piece->bytes - 1 - svg->low) / svg->bucket_bytes; i++)
		svg->used[i] = true;
	return 0;
}

/* Bands of physical memory: buckets in use, with the small gaps between them. */
static int svg_fold_physical(struct svg *svg)
{
	size_t last = SVG_BUCKETS;	/* the last used one; none yet */

	svg->y.band = calloc(SVG_BUCKETS / SVG_FOLD_BUCKETS + 1, sizeof(*svg->y.band));
	if (!svg->y.band)
		return -ENOMEM;
	for (size_t i = 0; i < SVG_BUCKETS; i++) {
		if (!svg->used[i])
			continue;
		if (last == SVG_BUCKETS || i - last > SVG_FOLD_BUCKETS)
			svg->y.band[svg->y.count++].start = svg->low + i * svg->bucket_bytes;
		svg->y.band[svg->y.count - 1].end = svg->low + (i + 1) * svg->bucket_bytes;
		last = i;
	}
	map_axis_lay_out(&svg->y, SVG_HEIGHT);
	return 0;
}

static int svg_fold_virtual(struct svg *svg)
{
	svg->x.count = svg->process->count;
	svg->x.band = calloc(svg->x.count, sizeof(*svg->x.band));
	if (!svg->x.band)
		return -ENOMEM;
	for (size_t i = 0; i < svg->x.count; i++) {
		svg->x.band[i].start = svg->process->region[i].mapping.start;
		svg->x.band[i].end = svg->process->region[i].mapping.end;
	}
	map_axis_lay_out(&svg->x, SVG_WIDTH);
	return 0;
}

static void svg_set_dots(struct svg *svg, double x, double low, double high, enum map_kind kind)
{
	int column = (int)(x / SVG_DOT), last = (int)(high / SVG_DOT);

	for (int row = (int)(low / SVG_DOT); row <= last; row++)
		if (column < SVG_COLUMNS && row < SVG_ROWS)
			svg->dot[row][column] = (unsigned char)kind;
}

static int svg_draw_piece(const struct physmap_piece *piece, void *arg)
{
	struct svg *svg = arg;
	const struct map_region *region = svg->region;
	double x1, x2, y1, y2;
	enum map_kind kind;
	char size[24];

	if (piece->state != PHYSMAP_KNOWN || piece->pa < svg->low || piece->pa >= svg->high)
		return 0;
	x1 = map_axis_place(&svg->x, piece->va);
	x2 = x1 + (double)piece->bytes * svg->x.scale;
	y1 = map_axis_place(&svg->y, piece->pa);
	y2 = y1 + (double)piece->bytes * svg->y.scale;
	kind = map_cell_kind(region, &region->cell[(piece->va + piece->bytes / 2 -
						    region->mapping.start) / region->cell_bytes]);
	if (x2 - x1 < SVG_DOT) {
		svg_set_dots(svg, x1, y1, y2, kind);
		return 0;
	}
	fprintf(svg->out, "<line class=\"k%d\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\">"
		"<title>%s at 0x%" PRIx64 ", physical 0x%" PRIx64 "</title></line>\n", (int)kind,
		SVG_LEFT + x1, SVG_TOP + SVG_HEIGHT - y1, SVG_LEFT + x2,
		SVG_TOP + SVG_HEIGHT - y2, map_format_bytes(piece->bytes, size), piece->va,
		piece->pa);
	return 0;
}

/* The raster, a path a kind: neighbours in a row are one stroke. */
static void svg_draw_dots(const struct svg *svg)
{
	for (int kind = MAP_BASE; kind < MAP_KIND_COUNT; kind++) {
		bool begun = false;

		for (int row = 0; row < SVG_ROWS; row++)
			for (int from = 0, to; from < SVG_COLUMNS; from = to) {
				for (to = from; to < SVG_COLUMNS && svg->dot[row][to] == kind;)
					to++;
				if (to == from) {
					to++;
					continue;
				}
				if (!begun)
					fprintf(svg->out, "<path class=\"k%d\" d=\"", kind);
				begun = true;
				fprintf(svg->out, "M%d %.1fh%d", SVG_LEFT + from * SVG_DOT,
					SVG_TOP + SVG_HEIGHT - (row + 0.5) * SVG_DOT,
					(to - from) * SVG_DOT);
			}
		if (begun)
			fputs("\"/>\n", svg->out);
	}
}

static void svg_write_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c > '~')
			fputc('?', out);
		else if (c == '<' || c == '>' || c == '&' || c == '"')
			fprintf(out, "&#%d;", c);
		else
			fputc(c, out);
	}
}

static void svg_draw_head(const struct svg *svg)
{
	int width = SVG_LEFT + SVG_WIDTH + SVG_RIGHT, height = SVG_TOP + SVG_HEIGHT + SVG_BOTTOM;
	uint64_t extents = 0, present = 0;
	char size[24];

	for (size_t i = 0; i < svg->process->count; i++) {
		extents += svg->process->region[i].figures.extents;
		present += svg->process->region[i].present_bytes;
	}
	fprintf(svg->out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
		"width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n<style>\n"
		".paper{fill:#fff}text{fill:#222}.soft{fill:#666}.grid{stroke:#ddd}\n"
		".band{fill:#f4f5f7}line,path{stroke-width:3;fill:none}.grid{stroke-width:1}\n"
		".k1{stroke:#d1560c}.k2{stroke:#b98900}.k3{stroke:#12805c}.k4{stroke:#1f6fd0}\n"
		"@media (prefers-color-scheme:dark){.paper{fill:#0d1117}text{fill:#e6edf3}\n"
		".soft{fill:#9aa4af}.grid{stroke:#30363d}.band{fill:#161b22}.k1{stroke:#ff8b47}\n"
		".k2{stroke:#e3b341}.k3{stroke:#3fb98a}.k4{stroke:#6cb0ff}}\n</style>\n"
		"<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n",
		width, height, width, height, width, height);
	fprintf(svg->out, "<text x=\"%d\" y=\"26\" font-size=\"17\">Where the memory of ",
		SVG_LEFT);
	svg_write_text(svg->out, svg->process->program);
	fprintf(svg->out, " (pid %d) lies</text>\n<text class=\"soft\" x=\"%d\" y=\"46\">%s in "
		"memory, in %" PRIu64 " physically contiguous run%s; unused addresses are folded"
		"</text>\n", (int)svg->process->pid, SVG_LEFT, map_format_bytes(present, size),
		extents, extents == 1 ? "" : "s");
}

static void svg_draw_legend(const struct svg *svg)
{
	bool there[MAP_KIND_COUNT] = { false };
	int x = SVG_LEFT;

	for (size_t i = 0; i < svg->process->count; i++)
		for (size_t k = 0; k < svg->process->region[i].cell_count; k++)
			there[map_cell_kind(&svg->process->region[i],
					    &svg->process->region[i].cell[k])] = true;
	for (int kind = MAP_BASE; kind < MAP_KIND_COUNT; kind++) {
		if (!there[kind])
			continue;
		fprintf(svg->out, "<path class=\"k%d\" d=\"M%d 62h18\"/><text x=\"%d\" y=\"66\">"
			"%s</text>\n", kind, x, x + 24, map_kind_name(kind));
		x += 40 + 7 * (int)strlen(map_kind_name(kind));
	}
}

static void svg_draw_y_axis(const struct svg *svg)
{
	uint64_t step = map_axis_step(&svg->y, 40);

	for (size_t i = 0; i < svg->y.count; i++) {
		const struct map_band *band = &svg->y.band[i];
		double height = (double)(band->end - band->start) * svg->y.scale;
		double bottom = SVG_TOP + SVG_HEIGHT - band->at, free_from = band->at + 20;

		fprintf(svg->out, "<rect class=\"band\" x=\"%d\" y=\"%.1f\" width=\"%d\" "
			"height=\"%.1f\"/>\n<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4f GiB"
			"</text>\n", SVG_LEFT, bottom - height, SVG_WIDTH, height, SVG_LEFT - 8,
			bottom, (double)band->start / (1ull << 30));
		for (uint64_t pa = (band->start / step + 1) * step; pa < band->end; pa += step) {
			double at = map_axis_place(&svg->y, pa), y = SVG_TOP + SVG_HEIGHT - at;

			fprintf(svg->out, "<path class=\"grid\" d=\"M%d %.1fh%d\"/>\n", SVG_LEFT, y,
				SVG_WIDTH);
			if (at < free_from)
				continue;
			fprintf(svg->out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4f GiB"
				"</text>\n", SVG_LEFT - 8, y + 4, (double)pa / (1ull << 30));
		}
	}
	fprintf(svg->out, "<text class=\"soft\" transform=\"translate(14 %d) rotate(-90)\" "
		"text-anchor=\"middle\">physical address</text>\n", SVG_TOP + SVG_HEIGHT / 2);
}

static void svg_draw_x_band(const struct svg *svg, const struct map_region *region,
			    const struct map_band *band)
{
	double width = (double)(band->end - band->start) * svg->x.scale;
	uint64_t step = map_axis_step(&svg->x, 80);
	int base = SVG_TOP + SVG_HEIGHT;
	char size[24], name[192];

	fprintf(svg->out, "<path class=\"grid\" stroke-dasharray=\"3 3\" d=\"M%.1f %dv%d"
		"m%.1f 0v%d\"/>\n", SVG_LEFT + band->at, SVG_TOP, SVG_HEIGHT, width, -SVG_HEIGHT);
	if (width < 80)
		return;
	/* A label is 40 pixels wide, and ends before the next mapping's begins. */
	for (uint64_t at = 0; at < band->end - band->start &&
	     (double)at * svg->x.scale + 40 < width; at += step)
		fprintf(svg->out, "<text x=\"%.1f\" y=\"%d\">%s</text>\n",
			SVG_LEFT + band->at + (double)at * svg->x.scale, base + 16,
			at ? map_format_bytes(at, size) : "0");
	if (width < 240)
		return;
	fprintf(svg->out, "<text class=\"soft\" x=\"%.1f\" y=\"%d\">",
		SVG_LEFT + band->at, base + 33);
	svg_write_text(svg->out, map_region_name(region, name));
	fprintf(svg->out, " at 0x%" PRIx64, band->start);
	if (region->figures.entries && width >= 480)
		fprintf(svg->out, ": a registration takes %" PRIu64 " entr%s of %s",
			region->figures.entries, region->figures.entries == 1 ? "y" : "ies",
			map_format_bytes(region->figures.page_bytes, size));
	fputs("</text>\n", svg->out);
}

static int svg_draw(struct svg *svg)
{
	int ret;

	svg_draw_head(svg);
	svg_draw_legend(svg);
	svg_draw_y_axis(svg);
	for (size_t i = 0; i < svg->x.count; i++)
		svg_draw_x_band(svg, &svg->process->region[i], &svg->x.band[i]);
	fprintf(svg->out, "<text class=\"soft\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">virtual "
		"address, bytes from the start of each mapping</text>\n", SVG_LEFT + SVG_WIDTH / 2,
		SVG_TOP + SVG_HEIGHT + 54);
	ret = svg_walk(svg, svg_draw_piece);
	svg_draw_dots(svg);
	fputs("</svg>\n", svg->out);
	return ret;
}

/* The bounds of both axes. */
static int svg_prepare(struct svg *svg)
{
	int ret;

	svg->low = UINT64_MAX;
	ret = svg_walk(svg, svg_find_bounds);
	if (ret)
		return ret;
	if (!svg->high)
		return -ENODATA;
	svg->bucket_bytes = (svg->high - svg->low) / SVG_BUCKETS + 1;
	ret = svg_walk(svg, svg_mark_used);
	if (!ret)
		ret = svg_fold_physical(svg);
	return ret ? ret : svg_fold_virtual(svg);
}

int map_write_svg(const struct map_process *process, const char *path, bool *writing)
{
	struct svg *svg = calloc(1, sizeof(*svg));
	int ret = -ENOMEM;

	*writing = false;
	if (!svg)
		return ret;
	svg->process = process;
	ret = svg_prepare(svg);
	if (ret)
		goto free_svg;
	svg->out = fopen(path, "we");
	*writing = !svg->out;
	ret = svg->out ? svg_draw(svg) : -errno;
	if (svg->out && fclose(svg->out) && !ret) {
		ret = -errno;
		*writing = true;
	}
free_svg:
	free(svg->x.band);
	free(svg->y.band);
	free(svg);
	return ret;
}
