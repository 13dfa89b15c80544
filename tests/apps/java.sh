#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# java, where it is installed: heap, threads and direct buffers, with and without the library.

. "$(dirname "$0")/lib.sh"
need java
javac=$(dirname "$(readlink -f "$(command -v java)")")/javac
[ -x "$javac" ] || skip "there is java, but no javac"

cat >"$work/Work.java" <<'END'
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

public class Work {
	public static void main(String[] args) throws Exception {
		Map<String, Integer> map = new HashMap<>();
		for (int i = 0; i < 500000; i++)
			map.put("key" + i, i * 31);
		System.out.println(map.values().stream().mapToLong(Integer::longValue).sum());
		long sum = 0;
		for (int round = 0; round < 40; round++) {
			ByteBuffer buffer = ByteBuffer.allocateDirect(5000000 + round * 1000);
			for (int at = 0; at < buffer.capacity(); at += 1000)
				buffer.putInt(at & ~3, round * at);
			sum += buffer.getInt(4000000);
		}
		System.out.println(sum);
		System.out.println(IntStream.range(0, 3000000).parallel().filter(i -> i % 7 == 3)
			.asLongStream().sum());
	}
}
END

app() {
	under java -Xmx256m -cp "$work" Work >out
	same out "$work/expected" "what java printed"
	served java
}

"$javac" -d "$work" "$work/Work.java" && java -Xmx256m -cp "$work" Work >"$work/expected" ||
	fail "java fails without the library"
apps_main
