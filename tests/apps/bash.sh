#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# bash: large strings, arrays, subshells, pipes and here documents, with and without the library.

. "$(dirname "$0")/lib.sh"

cat >"$work/script" <<'END'
text=$(seq 1 300000)
text=$text$text
echo "${#text} ${text:2000000:60}"
numbers=($(seq 1 30000))
sum=0
for n in "${numbers[@]}"; do sum=$((sum + n)); done
echo "$sum ${#numbers[@]}"
for i in 1 2 3 4 5; do
	(echo "child $i ${#text}"; exit "$i")
	echo "status $?"
done
copy=$(printf '%s' "$text" | sha256sum)
echo "$copy"
wc -c <<<"$text"
diff <(printf '%s\n' "$text") <(cat <<<"$text") && echo alike
declare -A words
while read -r n; do words[$n]=$((n * n)); done < <(seq 1 20000)
echo "${words[141]} ${#words[@]}"
END

app() {
	under bash "$work/script" >out
	same out "$work/expected" "what bash printed"
	served bash "$(pool_of_backing)"
}

bash "$work/script" >"$work/expected" || fail "bash fails without the library"
apps_main
