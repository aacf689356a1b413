-- Dissects the reference that Baton carries in the one option of a Geneve header (docs/reference.md).
--
--   tshark -X lua_script:tools/wireshark/baton-reference.lua -r lan.pcapng -Y baton
--
-- or copy it to Wireshark's personal plugin folder. The Geneve dissector of Wireshark still shows the header and the
-- packet inside; this adds a tree with the option's fields, each of which filters (baton.epoch > 1).

local OPTION_HEADER = 4
local OPTION_CLASS = 0xff42
local OPTION_TYPE = 0x81
local FIXED_DATA = 44

local baton = Proto("baton", "Baton reference")

local flag_client_v6 = 0x04
local flag_owner_v6 = 0x08
local protocols = { [6] = "TCP", [17] = "UDP" }

local f = {
    version = ProtoField.uint8("baton.version", "Version"),
    flags = ProtoField.uint8("baton.flags", "Flags", base.HEX),
    forwarded = ProtoField.bool("baton.flags.forwarded", "Forwarded packet", 8, nil, 0x01),
    sequence_group = ProtoField.bool("baton.flags.sequence_group", "Sequence group present", 8, nil, 0x02),
    client_v6 = ProtoField.bool("baton.flags.client_v6", "Client is IPv6", 8, nil, flag_client_v6),
    owner_v6 = ProtoField.bool("baton.flags.owner_v6", "Owner is IPv6", 8, nil, flag_owner_v6),
    hops = ProtoField.uint8("baton.hops", "Hop count"),
    protocol = ProtoField.uint8("baton.protocol", "Protocol", base.DEC, protocols),
    epoch = ProtoField.uint32("baton.epoch", "Epoch"),
    endpoint = ProtoField.uint64("baton.endpoint", "Endpoint id", base.HEX),
    client_port = ProtoField.uint16("baton.client.port", "Client port"),
    owner_port = ProtoField.uint16("baton.owner.port", "Owner's application port"),
    service_port = ProtoField.uint16("baton.service.port", "Service port"),
    reserved = ProtoField.uint16("baton.reserved", "Reserved", base.HEX),
    iss = ProtoField.uint32("baton.iss", "ISS"),
    irs = ProtoField.uint32("baton.irs", "IRS"),
    snd_una = ProtoField.uint32("baton.snd_una", "SND.UNA"),
    snd_nxt = ProtoField.uint32("baton.snd_nxt", "SND.NXT"),
    rcv_nxt = ProtoField.uint32("baton.rcv_nxt", "RCV.NXT"),
    client_ipv4 = ProtoField.ipv4("baton.client.ipv4", "Client address"),
    client_ipv6 = ProtoField.ipv6("baton.client.ipv6", "Client address"),
    service_ipv4 = ProtoField.ipv4("baton.service.ipv4", "Service address"),
    service_ipv6 = ProtoField.ipv6("baton.service.ipv6", "Service address"),
    owner_ipv4 = ProtoField.ipv4("baton.owner.ipv4", "Owner address"),
    owner_ipv6 = ProtoField.ipv6("baton.owner.ipv6", "Owner address"),
}

for _, field in pairs(f) do
    table.insert(baton.fields, field)
end

local malformed = ProtoExpert.new("baton.malformed", "Malformed reference", expert.group.MALFORMED, expert.severity.ERROR)
baton.experts = { malformed }

-- Adds an address of the family that the flags say, and returns the offset after it.
local function add_address(tree, data, offset, is_v6, ipv4, ipv6)
    local length = is_v6 and 16 or 4
    tree:add(is_v6 and ipv6 or ipv4, data(offset, length))
    return offset + length
end

local function add_reference(data, tree)
    local flags = data(1, 1):uint()
    local client_v6 = bit32.band(flags, flag_client_v6) ~= 0
    local owner_v6 = bit32.band(flags, flag_owner_v6) ~= 0
    local needed = FIXED_DATA + (client_v6 and 32 or 8) + (owner_v6 and 16 or 4)
    if data:len() ~= needed then
        tree:add_proto_expert_info(malformed, "Option data of " .. data:len() .. " bytes; the flags need " .. needed)
        return
    end

    tree:add(f.version, data(0, 1))
    local flag_tree = tree:add(f.flags, data(1, 1))
    flag_tree:add(f.forwarded, data(1, 1))
    flag_tree:add(f.sequence_group, data(1, 1))
    flag_tree:add(f.client_v6, data(1, 1))
    flag_tree:add(f.owner_v6, data(1, 1))
    tree:add(f.hops, data(2, 1))
    tree:add(f.protocol, data(3, 1))
    tree:add(f.epoch, data(4, 4))
    tree:add(f.endpoint, data(8, 8))
    tree:add(f.client_port, data(16, 2))
    tree:add(f.owner_port, data(18, 2))
    tree:add(f.service_port, data(20, 2))
    tree:add(f.reserved, data(22, 2))
    tree:add(f.iss, data(24, 4))
    tree:add(f.irs, data(28, 4))
    tree:add(f.snd_una, data(32, 4))
    tree:add(f.snd_nxt, data(36, 4))
    tree:add(f.rcv_nxt, data(40, 4))
    local offset = add_address(tree, data, FIXED_DATA, client_v6, f.client_ipv4, f.client_ipv6)
    offset = add_address(tree, data, offset, client_v6, f.service_ipv4, f.service_ipv6)
    add_address(tree, data, offset, owner_v6, f.owner_ipv4, f.owner_ipv6)
end

-- Runs after all other dissectors, on what Wireshark's own found: it calls none, so that a packet which the capture cut
-- short can only end theirs.
local option_of = Field.new("geneve.option")

function baton.dissector(_, _, tree)
    for _, option in ipairs({ option_of() }) do
        local bytes = option.range
        if bytes:len() >= OPTION_HEADER + FIXED_DATA
            and bytes(0, 2):uint() == OPTION_CLASS
            and bytes(2, 1):uint() == OPTION_TYPE then
            local data = bytes(OPTION_HEADER)
            add_reference(data, tree:add(baton, data))
        end
    end
end

register_postdissector(baton)
