/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <errno.h>
#include <string.h>

#define VALUE_UNITS "KMGTPE"
#define VALUE_SIZE_MAX ((uint64_t)1 << 63)
#define VALUE_FRACTION_MAX 1000000000u	/* more digits than these change no byte of an exabyte's
					 * fraction that anybody writes, but are still read */

static bool value_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes the digits off the front of @s. */
static int value_take_digits(struct slice *s, uint64_t *out)
{
	uint64_t number = 0;
	int ret = 0;

	if (!s->bytes || !value_is_digit(s->at[0]))
		return -EINVAL;
	for (; s->bytes && value_is_digit(s->at[0]); s->at++, s->bytes--) {
		if (__builtin_mul_overflow(number, (uint64_t)10, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(s->at[0] - '0'), &number))
			ret = -ERANGE;
	}
	if (!ret)
		*out = number;
	return ret;
}

/* Takes ".5" off the front of @s, as numerator and denominator. */
static int value_take_fraction(struct slice *s, uint64_t *part, uint64_t *whole)
{
	*part = 0;
	*whole = 1;
	if (!s->bytes || s->at[0] != '.')
		return 0;
	s->at++;
	s->bytes--;
	if (!s->bytes || !value_is_digit(s->at[0]))
		return -EINVAL;
	for (; s->bytes && value_is_digit(s->at[0]); s->at++, s->bytes--) {
		if (*whole == VALUE_FRACTION_MAX)
			continue;
		*part = *part * 10 + (uint64_t)(s->at[0] - '0');
		*whole *= 10;
	}
	return 0;
}

/* "", "K", "KB", "KiB" to a shift; -1 for anything else. */
static int value_unit_shift(struct slice s)
{
	const char *unit;

	if (!s.bytes)
		return 0;
	unit = memchr(VALUE_UNITS, s.at[0], strlen(VALUE_UNITS));
	if (!unit)
		return -1;
	s.at++;
	s.bytes--;
	if (s.bytes && !slice_is(s, "B") && !slice_is(s, "iB"))
		return -1;
	return 10 * (int)(unit - VALUE_UNITS + 1);
}

int value_parse_size(struct slice s, uint64_t *out)
{
	uint64_t number = 0, part, whole, unit;
	int digits, fraction, shift;

	digits = value_take_digits(&s, &number);
	if (digits == -EINVAL)
		return -EINVAL;
	fraction = value_take_fraction(&s, &part, &whole);
	shift = value_unit_shift(s);
	/* Half a byte is not a size, and the syntax is judged before the range. */
	if (fraction || shift < 0 || (whole > 1 && !shift))
		return -EINVAL;
	if (digits)
		return digits;
	unit = (uint64_t)1 << shift;
	if (__builtin_mul_overflow(number, unit, &number) ||
	    __builtin_add_overflow(number, unit / whole * part + unit % whole * part / whole,
				   &number) ||
	    number > VALUE_SIZE_MAX)
		return -ERANGE;
	*out = number;
	return 0;
}

int policy_parse_size(const char *text, uint64_t *out)
{
	return value_parse_size(slice_of(text), out);
}

int value_parse_number(struct slice s, uint64_t *out)
{
	uint64_t number = 0;
	int ret = value_take_digits(&s, &number);

	if (s.bytes)
		return -EINVAL;
	if (!ret)
		*out = number;
	return ret;
}

int value_parse_time(struct slice s, uint64_t *out)
{
	uint64_t number = 0, ms;
	int ret = value_take_digits(&s, &number);

	if (ret == -EINVAL)
		return ret;
	if (slice_is(s, "ms"))
		ms = 1;
	else if (slice_is(s, "s"))
		ms = 1000;
	else if (slice_is(s, "m"))
		ms = 60 * 1000;
	else if (!s.bytes && !ret && !number)
		ms = 1;
	else
		return -EINVAL;
	if (ret || __builtin_mul_overflow(number, ms, &number))
		return -ERANGE;
	*out = number;
	return 0;
}

int value_parse_choice(struct slice s, const char *choices, unsigned int *out)
{
	struct slice rest = slice_of(choices), item;

	for (unsigned int i = 0; slice_next(&rest, '|', &item); i++) {
		if (s.bytes == item.bytes && !memcmp(s.at, item.at, s.bytes)) {
			*out = i;
			return 0;
		}
	}
	return -EINVAL;
}

struct slice value_choice(const char *choices, unsigned int index)
{
	struct slice rest = slice_of(choices), item = { choices, 0 };

	while (slice_next(&rest, '|', &item) && index)
		index--;
	return item;
}

int value_parse_flag(struct slice s, bool *out)
{
	unsigned int place;
	int ret = value_parse_choice(s, VALUE_FLAGS, &place);

	if (!ret)
		*out = place % 2 == 0;	/* VALUE_FLAGS: yes and no by turns */
	return ret;
}

int value_parse_range(struct slice s, uint64_t floor, struct size_range *out,
		      struct text *expected)
{
	struct size_range range = { floor, UINT64_MAX };
	struct slice low = s, high = s;
	bool open = slice_split(s, "..", &low, &high);

	low = slice_trim(low);
	high = slice_trim(high);
	if ((open && !low.bytes && !high.bytes) ||
	    ((!open || low.bytes) && value_parse_size(low, &range.low)) ||
	    ((!open || high.bytes) && value_parse_size(high, &range.high))) {
		text_put(expected, "a range such as 1M.. or 64K..1G or ..4M, or one size");
		return -EINVAL;
	}
	if (range.low < floor) {
		text_put(expected, "a range from ");
		value_put_size(expected, floor);
		text_put(expected, " up: what is smaller is always the heap's");
		return -EINVAL;
	}
	if (range.low > range.high) {
		text_put(expected, "a range whose low end is not above its high end");
		return -EINVAL;
	}
	*out = range;
	return 0;
}

void value_put_size(struct text *text, uint64_t bytes)
{
	for (int i = (int)strlen(VALUE_UNITS) - 1; i >= 0; i--) {
		uint64_t half = (uint64_t)1 << (10 * (i + 1) - 1);
		const char unit[2] = { VALUE_UNITS[i] };

		if (bytes < 2 * half || bytes % half)
			continue;
		text_put_number(text, bytes / (2 * half));
		text_put(text, bytes / half % 2 ? ".5" : "");
		text_put(text, unit);
		return;
	}
	text_put_number(text, bytes);
}

char *policy_format_size(uint64_t bytes, char out[static 24])
{
	struct text text = text_in(out, 24);

	value_put_size(&text, bytes);
	return out;
}

void value_put_time(struct text *text, uint64_t ms)
{
	uint64_t unit = !ms || ms % 1000 ? 1 : ms % 60000 ? 1000 : 60000;

	text_put_number(text, ms / unit);
	if (ms)
		text_put(text, unit == 1 ? "ms" : unit == 1000 ? "s" : "m");
}
