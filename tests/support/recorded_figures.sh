# For scripts whose figures are recorded in a page, as tables between the lines <!-- MARKER --> and <!-- end -->; sourced.
# The first cell of a row is its name, the others are whole numbers.

# record_figures PAGE MARKER FIGURES: puts the tables in the file FIGURES into the page.
record_figures() {
    local page
    page=$(awk -v marker="<!-- $2 -->" -v figures="$3" '
        $0 == marker { print; print ""; while ((getline line < figures) > 0) print line; print ""; skip = 1; next }
        $0 == "<!-- end -->" { skip = 0 }
        !skip' "$1") && printf '%s\n' "$page" >"$1"
}

# compare_figures PAGE MARKER FIGURES PERCENT SLACK FEWEST: fails if one is more than so much larger than recorded (and
# SLACK), is not recorded, or there are fewer than FEWEST.
compare_figures() {
    awk -F' *[|] *' -v marker="<!-- $2 -->" -v limit="$4" -v slack="$5" -v fewest="$6" '
        FNR == NR { if ($0 == marker) on = 1; if ($0 == "<!-- end -->") on = 0; if (on && NF > 3) recorded[$2] = $0; next }
        NF > 3 && $3 + 0 > 0 {
            if (!($2 in recorded)) { print "not recorded: " $2; bad = 1; next }
            split(recorded[$2], was)
            for (i = 3; i < NF; ++i) {
                ++compared
                if ($i + 0 > was[i] * (1 + limit / 100) + slack) {
                    printf "grown: %s, column %d, from %d to %d\n", $2, i - 2, was[i], $i
                    bad = 1
                }
            }
        }
        END { printf "%d figures compared with those that are recorded\n", compared; exit bad || compared < fewest }' "$1" "$3"
}

# check_figures PAGE MARKER FIGURES SLACK FEWEST: that none has grown by more than 5 %; and a control.
check_figures() {
    local failed=0
    compare_figures "$1" "$2" "$3" 5 "$4" "$5" || failed=1
    compare_figures "$1" "$2" "$3" -20 "$4" "$5" >/dev/null && { echo "control: figures that have grown by a quarter are not noticed"; failed=1; }
    return $failed
}
