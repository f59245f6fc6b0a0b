# The holder dies; before its lease has run out an operator asks for a switchover to the other node. It is done when that
# node has taken over.
cluster 3 0
run 3000
power-off n1
run 300
operator n2 switchover n3
run 4000
expect-holder n3
----
[     0] n1 corosync: quorate
[     0] n2 corosync: quorate
[     0] n3 corosync: quorate
[    50] n1 agent starts
[    50] n1 ! g1 gate shut
[    50] n1   g1 step announce-stop
[    50] n1 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[    52] n1   g1 step destroy-sockets
[    54] n1   g1 step muzzle-pbx
[   402] n2 agent starts
[   402] n2 ! g1 gate shut
[   402] n2   g1 step announce-stop
[   402] n2 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   403] n3 agent starts
[   403] n3 ! g1 gate shut
[   403] n3   g1 step announce-stop
[   403] n3 > g1 R320 epoch 0.-: not fit: do not ask (joining)
[   404] n2   g1 step destroy-sockets
[   404] n2 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   404] n1 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   405] n3   g1 step destroy-sockets
[   405] n3 > g1 R110 epoch 0.-: fit and nobody seen to hold: ask when the voters are free
[   406] n2   g1 step muzzle-pbx
[   407] n3   g1 step muzzle-pbx
[   454] n1 = record g1 takeover begins: cause vacant, from -, epoch 1.n1
[   454] n1 ! g1 gate open
[   454] n1 > g1 R400 epoch 1.n1: lease won: the gate is open, announce, then wake
[   454] n1   g1 step announce
[   454] n1 > g1 R120 epoch 1.n1: lease held and nothing wrong here: keep holding
[   456] n1   g1 step wake-pbx
[   458] n1   g1 step verify
[   460] n1 = record g1 takeover: cause vacant, from -, epoch 1.n1
[   551] n2 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[   551] n3 > g1 R111 epoch 0.-: fit, another node holds the group: stand by, ask when the voters are free
[  3000] n1 loses power
[  3300] n2 operator: switchover n3: accepted
[  3841] n2 = record g1 takeover begins: cause lease_expired, from n1, epoch 2.n2
[  3841] n2 ! g1 gate open
[  3841] n2 > g1 R400 epoch 2.n2: lease won: the gate is open, announce, then wake
[  3841] n2   g1 step announce
[  3841] n2 > g1 R120 epoch 2.n2: lease held and nothing wrong here: keep holding
[  3843] n2   g1 step wake-pbx
[  3845] n2   g1 step verify
[  3847] n2 = record g1 takeover: cause lease_expired, from n1, epoch 2.n2
[  5100] n1 corosync: quorum lost
[  5101] n2 > g1 R406 epoch 2.n2: an operator's move of the group begins
[  5101] n2 > g1 R210 epoch 2.n2: an operator moves the group and its target is ready: hand over
[  5101] n2 ! g1 gate shut
[  5101] n2 > g1 R402 epoch 2.n2: gate shut, lease released (operator)
[  5101] n2 = record g1 let-go begins: cause operator, to n3, epoch 2.n2
[  5101] n2 > g1 R110 epoch 2.n2: fit and nobody seen to hold: ask when the voters are free
[  5101] n2   g1 step announce-stop
[  5101] n3 > g1 R406 epoch 0.-: an operator's move of the group begins
[  5101] n3 > g1 R130 epoch 0.-: an operator moves the group here: ask as soon as the voters are free
[  5103] n2   g1 step destroy-sockets
[  5104] n3 = record g1 takeover begins: cause operator, from n2, epoch 3.n3
[  5104] n3 ! g1 gate open
[  5104] n3 > g1 R400 epoch 3.n3: lease won: the gate is open, announce, then wake
[  5104] n3   g1 step announce
[  5104] n3 > g1 R120 epoch 3.n3: lease held and nothing wrong here: keep holding
[  5105] n2   g1 step muzzle-pbx
[  5106] n3   g1 step wake-pbx
[  5107] n2 = record g1 let-go: cause operator, to n3, epoch 2.n2
[  5108] n3   g1 step verify
[  5110] n3 = record g1 takeover: cause operator, from n2, epoch 3.n3
[  5110] n3 > g1 R407 epoch 3.n3: an operator's move of the group is done
[  5204] n2 > g1 R407 epoch 2.n2: an operator's move of the group is done
[  5204] n2 = record operation: done
[  5204] n2 > g1 R111 epoch 2.n2: fit, another node holds the group: stand by, ask when the voters are free
