/* SPDX-License-Identifier: MIT */
#include "chain.h"
#include "value.h"

#include <errno.h>
#include <string.h>

static const char *const chain_names[BACKING_COUNT] = {
	[BACKING_HUGETLB] = "hugetlb",
	[BACKING_DRIVER] = "driver",
	[BACKING_THP] = "thp",
	[BACKING_MTHP] = "mthp",
	[BACKING_BASE] = "base",
};

const char *policy_backing_name(enum backing_id backing)
{
	return (unsigned int)backing < BACKING_COUNT ? chain_names[backing] : "?";
}

static int chain_find_backing(struct slice name, enum backing_id *out)
{
	for (unsigned int i = 0; i < BACKING_COUNT; i++) {
		if (slice_is(name, chain_names[i])) {
			*out = (enum backing_id)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int chain_parse_page(struct slice s, uint64_t *out)
{
	uint64_t bytes;

	if (value_parse_size(s, &bytes) || bytes <= 4 * KIB || (bytes & (bytes - 1)))
		return -EINVAL;
	*out = bytes;
	return 0;
}

static int chain_parse_link(struct slice s, struct chain_link *out, struct text *expected)
{
	struct chain_link link = { .page_bytes = 0 };
	struct slice name = s, rest;
	int ret;

	if (slice_split(s, ":", &name, &rest)) {
		ret = slice_is(name, "driver") ?
		      slice_copy_word(rest, link.region, sizeof(link.region)) : -EINVAL;
		link.backing = BACKING_DRIVER;
		if (ret)
			text_put(expected, "driver:REGION, of letters, digits, - _ .");
	} else if (slice_split(s, "-", &name, &rest)) {
		ret = chain_find_backing(name, &link.backing);
		if (!ret && link.backing != BACKING_HUGETLB && link.backing != BACKING_MTHP)
			ret = -EINVAL;
		if (!ret)
			ret = chain_parse_page(rest, &link.page_bytes);
		if (ret)
			text_put(expected, "hugetlb-SIZE or mthp-SIZE, a power of two above 4K");
	} else {
		ret = chain_find_backing(s, &link.backing);
		if (ret)
			text_put(expected, "a chain of hugetlb, hugetlb-SIZE, driver, "
				 "driver:REGION, thp, mthp, mthp-SIZE, base; or heap alone");
	}
	if (!ret)
		*out = link;
	return ret;
}

/* Takes the `!` off the end. */
static bool chain_take_strict(struct slice *s)
{
	if (!s->bytes || s->at[s->bytes - 1] != '!')
		return false;
	s->bytes--;
	*s = slice_trim(*s);
	return true;
}

int chain_parse(struct slice s, struct chain *out, struct text *expected)
{
	struct chain chain = { .count = 0 };
	struct slice rest = slice_trim(s), item;
	int ret;

	if (slice_is(rest, "heap")) {
		*out = chain;
		return 0;
	}
	chain.strict = chain_take_strict(&rest);
	/* "thp, !": a `!` of its own, behind a comma. */
	if (chain.strict && rest.bytes && rest.at[rest.bytes - 1] == ',')
		rest.bytes--;
	while (slice_next(&rest, ',', &item)) {
		if (chain.count == POLICY_LINKS) {
			text_put_above(expected, POLICY_LINKS, "backings");
			return -EINVAL;
		}
		if (item.bytes && memchr(item.at, '!', item.bytes)) {
			text_put(expected, "one `!`, behind the last backing");
			return -EINVAL;
		}
		ret = chain_parse_link(item, &chain.link[chain.count], expected);
		if (ret)
			return ret;
		chain.count++;
	}
	*out = chain;
	return 0;
}

char *policy_format_link(const struct chain_link *link, char out[static 64])
{
	struct text text = text_in(out, 64);

	text_put(&text, policy_backing_name(link->backing));
	if (link->page_bytes) {
		text_put(&text, "-");
		value_put_size(&text, link->page_bytes);
	}
	if (link->region[0]) {
		text_put(&text, ":");
		text_put(&text, link->region);
	}
	return out;
}
