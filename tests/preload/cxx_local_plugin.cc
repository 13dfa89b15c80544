/* SPDX-License-Identifier: MIT */
/* What cxx_local.c loads: C++ in a program that knows nothing of it. */
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <vector>

static volatile size_t too_much = (size_t)PTRDIFF_MAX - 4096;

static bool throws(void)
{
	try {
		operator delete(operator new(too_much));
	} catch (const std::bad_alloc &) {
		return true;
	}
	return false;
}

/* Return: 0, or which of its checks failed. */
extern "C" int cxx_local(void);
extern "C" int cxx_local(void)
{
	std::vector<std::string> words;
	char *large = new char[4 << 20];

	for (int i = 0; i < 10000; i++)
		words.push_back("a word that is too long to be kept inside " +
				std::to_string(i));
	large[0] = large[(4 << 20) - 1] = 1;
	delete[] large;
	if (words[9999].substr(words[9999].size() - 4) != "9999")
		return 1;
	if (!throws())
		return 2;
	return operator new(too_much, std::nothrow) ? 3 : 0;
}
